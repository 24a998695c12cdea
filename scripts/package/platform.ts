/** Names of this machine's architecture: of Go's and Prometheus' releases, which are also Debian's. */
const ARCHITECTURES: Readonly<Record<string, string>> = { x64: 'amd64', arm64: 'arm64' };

/** @throws Error if there are no releases for it */
export function architecture(arch: string = process.arch): string {
  const name = ARCHITECTURES[arch];
  if (name !== undefined) return name;
  throw new Error(`expected ${Object.keys(ARCHITECTURES).join(' or ')}, this machine is ${arch}`);
}
