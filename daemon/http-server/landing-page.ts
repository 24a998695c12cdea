export interface LandingPageOptions {
  readonly name: string;
  readonly description: string;
  /** Further links: path -> text. */
  readonly links?: Readonly<Record<string, string>>;
}

/** The page at `/`: name, description and links. */
export function renderLandingPage(options: LandingPageOptions): string {
  const links = {
    '/metrics': 'Metrics',
    ...options.links,
    '/-/healthy': 'Health',
    '/-/ready': 'Readiness',
  };
  const items = Object.entries(links).map(
    ([path, text]) => `<li><a href="${escapeHtml(path)}">${escapeHtml(text)}</a></li>`,
  );
  const name = escapeHtml(options.name);
  return `<!doctype html>
<html lang="en">
<head><meta charset="utf-8"><title>${name}</title></head>
<body>
<h1>${name}</h1>
<p>${escapeHtml(options.description)}</p>
<ul>
${items.join('\n')}
</ul>
</body>
</html>
`;
}

export function escapeHtml(text: string): string {
  const entities: Readonly<Record<string, string>> = {
    '&': '&amp;',
    '<': '&lt;',
    '>': '&gt;',
    '"': '&quot;',
    "'": '&#39;',
  };
  return text.replaceAll(/[&<>"']/g, (character) => entities[character] ?? character);
}
