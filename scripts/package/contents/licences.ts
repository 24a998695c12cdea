import type { Component } from './components.ts';

const RULE = '-'.repeat(80);

/** The licences of everything in a program that others wrote; equal texts stand once, under all their packages. */
export function renderLicences(program: string, components: readonly Component[]): string {
  const packages = new Map<string, string[]>();
  for (const { name, version, license, texts } of components) {
    const title = `${name} ${version} (${license})`;
    const text = texts.map((part) => part.replaceAll('\r\n', '\n').trim()).join('\n\n');
    packages.set(text, [...(packages.get(text) ?? []), title]);
  }
  const without = packages.get('') ?? [];
  packages.delete('');
  const sections = [...packages].map(([text, titles]) => `${RULE}\n${titles.join('\n')}\n\n${text}\n`);
  return [
    `${program} contains the packages below, under the licences below.\n`,
    ...sections,
    `${RULE}\nWithout a text of their own, or with it in Node.js' licence above:\n\n${without.join('\n')}\n`,
  ].join('\n');
}
