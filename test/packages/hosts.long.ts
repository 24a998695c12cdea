import { readFileSync, rmSync, mkdtempSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { describeWith } from '../skips/describe-with.ts';
import { DEBOOTSTRAP, NSPAWN, RELEASE } from '../skips/needs.ts';
import { debOf, olderDeb } from './release.ts';
import { SystemdHosts } from './systemd-hosts.ts';

const ROLL_OUT = 'manifests/hosts/roll-out.sh';
const HOSTS = 4;
/** Of a server, and what a client asks. */
const [PORT, REQUESTS] = [8080, 7];
const NODE = '/usr/lib/lorikeet-exporter/bin/node';

/* Machines with systemd, on which the script of the guide installs the exporter. */
describeWith([DEBOOTSTRAP, NSPAWN, RELEASE], 'on machines with systemd', () => {
  let hosts: SystemdHosts;
  let folder: string;
  let deb: string;
  beforeAll(async () => {
    folder = mkdtempSync(join(tmpdir(), 'lorikeet-hosts-'));
    deb = debOf('lorikeet-exporter');
    hosts = await SystemdHosts.start(HOSTS);
  });
  afterAll(async () => {
    await hosts?.stop();
    rmSync(folder, { recursive: true });
  });

  /** Status and output lines of the script. */
  async function rollOut(addresses: readonly string[], file: string): Promise<[number, string[]]> {
    const list = hosts.file('hosts', `# ours\n${addresses.map((address) => `root@${address} # one\n`).join('')}\n`);
    const shell = `bash ${ROLL_OUT} --parallel=2 ${list} ${file}; echo $?`;
    const lines = (await hosts.run(['sh', '-c', shell])).trim().split('\n');
    return [Number(lines.at(-1)), lines.slice(0, -1)];
  }
  const metrics = (address: string) => hosts.run(['curl', '--silent', '--fail', `http://${address}:9400/metrics`]);
  const installed = (address: string) =>
    hosts.on(address, "dpkg-query --show --showformat='${Version}' lorikeet-exporter 2>/dev/null || true");

  test('it installs on one, then on the others, and each is asked from here', async () => {
    const [status, lines] = await rollOut(hosts.addresses, deb);
    expect(lines.at(-1)).toBe(`roll-out: all ${HOSTS} machines are well`);
    expect(status).toBe(0);
    expect(lines[0]).toMatch(new RegExp(`^root@${hosts.addresses[0]}: well: lorikeet-exporter, version `));
    for (const address of hosts.addresses) {
      expect(lines.filter((line) => line.startsWith(`root@${address}: well`))).toHaveLength(1);
      expect(await metrics(address)).toContain('lorikeet_exporter_collector_success{collector="requests"} 1\n');
    }
  });

  test('systemd runs it as its user, without capabilities once it listens, and keeps its files from it', async () => {
    const [address = ''] = hosts.addresses;
    const show = 'systemctl show --property=User,ActiveState,NRestarts,MemoryMax lorikeet-exporter';
    expect(await hosts.on(address, show)).toMatch(/User=lorikeet-exporter[^]*ActiveState=active/);
    expect(await hosts.on(address, show)).toContain('NRestarts=0\n');
    const status = await hosts.on(
      address,
      'cat /proc/$(systemctl show --value --property=MainPID lorikeet-exporter)/status',
    );
    expect(status).toMatch(/^CapEff:\t0+$/m);
    expect(status).toMatch(/^CapPrm:\t0+$/m);
    expect(status).toMatch(/^Seccomp:\t2$/m);
  });

  test('a unit is a service, whose requests are counted', async () => {
    const [address = ''] = hosts.addresses;
    const server = `require("node:http").createServer((q, s) => s.end("fine")).listen(${PORT})`;
    await hosts.on(address, `systemd-run --quiet --unit=cart ${NODE} -e '${server}'`);
    const url = `http://${address}:${PORT}/`;
    await hosts.run(['curl', '--silent', '--fail', '--retry', '20', '--retry-connrefused', '--retry-delay', '1', url]);
    const series = /^lorikeet_requests_total\{namespace="systemd",service="cart",[^}]*role="server"[^}]*\} (\d+)$/m;
    const counted = async () => Number(series.exec(await metrics(address))?.[1] ?? 0);
    await expect.poll(counted, { timeout: 20_000 }).toBeGreaterThan(0);
    const before = await counted();
    for (let sent = 0; sent < REQUESTS; sent++) await hosts.run(['curl', '--silent', '--fail', url]);
    await expect.poll(counted, { timeout: 10_000 }).toBe(before + REQUESTS);
  });

  test('another version is installed over it, and the first one again', async () => {
    const [status, lines] = await rollOut(hosts.addresses, olderDeb('lorikeet-exporter', folder));
    expect([status, lines.at(-1)]).toEqual([0, `roll-out: all ${HOSTS} machines are well`]);
    for (const address of hosts.addresses) expect(await installed(address)).toBe('0.0.1~rc.1');
    expect((await rollOut(hosts.addresses, deb))[0]).toBe(0);
    for (const address of hosts.addresses) expect(await installed(address)).not.toBe('0.0.1~rc.1');
    // Nothing changes if nothing is to be done.
    const started = 'systemctl show --value --property=ActiveEnterTimestampMonotonic lorikeet-exporter';
    const [address = ''] = hosts.addresses;
    const at = await hosts.on(address, started);
    expect((await rollOut(hosts.addresses, deb))[0]).toBe(0);
    expect(await hosts.on(address, started)).toBe(at);
  });

  test('a package that the first machine refuses touches no other one', async () => {
    const damaged = hosts.file('lorikeet-exporter_damaged.deb', readFileSync(deb, 'latin1').slice(0, 4000));
    const [status, lines] = await rollOut(hosts.addresses, damaged);
    expect(status).toBe(1);
    expect(lines).toHaveLength(2);
    expect(lines[0]).toMatch(new RegExp(`^root@${hosts.addresses[0]}: FAILED: `));
    expect(lines[1]).toBe('roll-out: stopped: no other machine was touched');
  });

  test('a machine that is away is told, and the others are done', async () => {
    const [first = '', ...others] = hosts.addresses;
    const [status, lines] = await rollOut([first, '192.168.77.19', ...others], deb);
    expect(status).toBe(1);
    expect(lines.find((line) => line.startsWith('root@192.168.77.19'))).toMatch(/: FAILED: ./);
    expect(lines.filter((line) => line.includes(': well: '))).toHaveLength(HOSTS);
    expect(lines.at(-1)).toBe('roll-out: some machines FAILED, see above');
  });

  test('a service that does not start is told with its reason', async () => {
    const [first = ''] = hosts.addresses;
    await hosts.on(
      first,
      'echo ARGS=--no-such-flag >/etc/default/lorikeet-exporter; systemctl restart lorikeet-exporter || true; sleep 1',
    );
    const [status, lines] = await rollOut([first], deb);
    expect(status).toBe(1);
    expect(lines[0]).toMatch(/FAILED: the service does not run: .*no-such-flag/);
  });

  test('the hosts are a file for Prometheus', async () => {
    const list = hosts.file('hosts', 'root@one\n# no\ntwo # yes\n');
    const targets = await hosts.run(['bash', ROLL_OUT, '--print-targets', '--port=9500', list]);
    expect(targets).toBe('- targets:\n    - one:9500\n    - two:9500\n');
  });
});
