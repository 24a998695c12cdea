import { execFileSync } from 'node:child_process';

/** Highest version of each library's symbols, such as `{ GLIBC: '2.28', GLIBCXX: '3.4.21' }`. */
export type Versions = Readonly<Partial<Record<'GLIBC' | 'GLIBCXX' | 'CXXABI', string>>>;

/** The oldest C and C++ libraries that a program or shared object runs with, by the symbols that it needs of them. */
export function oldestLibraries(file: string): Versions {
  const symbols = execFileSync('objdump', ['-T', file], { encoding: 'utf8', maxBuffer: 2 ** 28 });
  const newest: Record<string, string> = {};
  for (const [, library = '', version = ''] of symbols.matchAll(/\*UND\*.*\((GLIBC|GLIBCXX|CXXABI)_([\d.]+)\)/g)) {
    const last = newest[library];
    if (last === undefined || version.localeCompare(last, 'en', { numeric: true }) > 0) newest[library] = version;
  }
  return newest;
}
