import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { buildInfo } from '../../bundle/build-info.mjs';
import { componentsOf, isProgramName, PROGRAM_NAMES } from './components.ts';
import { renderLicences } from './licences.ts';
import { renderSbom } from './sbom.ts';

const [program = '', folder = '', node = ''] = process.argv.slice(2);
if (!isProgramName(program)) {
  process.stderr.write(`describe: expected ${PROGRAM_NAMES.join(', ')}, got ${program}\n`);
  process.exit(2);
}
const name = `lorikeet-${program}`;
const components = await componentsOf(program, node);
writeFileSync(join(folder, 'sbom.spdx.json'), renderSbom({ name, build: buildInfo(), components }), { mode: 0o644 });
writeFileSync(join(folder, 'THIRD-PARTY-LICENSES.txt'), renderLicences(name, components), { mode: 0o644 });
