// Creates `count` cgroups in the directory `below`, one after another: enters each, sends one request on a new
// connection, and removes the previous one. Ends in the cgroup `home`; prints the ids of the others. Options: {host,
// port, below, home, count}.
import { mkdirSync, rmdirSync, statSync, writeFileSync } from 'node:fs';
import { get } from 'node:http';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';

const { host, port, below, home, count } = JSON.parse(process.argv[2]);
const enter = (folder) => writeFileSync(join(folder, 'cgroup.procs'), String(process.pid));

function ask() {
  return new Promise((resolve, reject) => {
    get({ host, port, agent: false }, (answer) => answer.resume().on('close', resolve)).on('error', reject);
  });
}

const ids = [];
let before;
for (let i = 0; i < count; i++) {
  const folder = join(below, `brief-${i}`);
  mkdirSync(folder);
  ids.push(String(statSync(folder, { bigint: true }).ino));
  enter(folder);
  if (before !== undefined) rmdirSync(before);
  before = folder;
  await ask();
  // The kernel creates rows from a memory cache, which takes a moment to refill.
  await sleep(10);
}
enter(home);
rmdirSync(before);
process.stdout.write(`${JSON.stringify(ids)}\n`);
