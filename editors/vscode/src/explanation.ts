import type { LastCompletion } from './protocol';

/** Longer values get a heading and a block of their own. */
const MAX_INLINE_LENGTH = 60;

/** The last completion as Markdown: its status first, then each entry of the explanation. */
export function renderExplanation(last: LastCompletion | null | undefined): string {
  if (!last) return '# No suggestion was requested yet\n';
  const entries = Object.entries(last.explanation ?? {}).map(([name, value]) =>
    renderEntry(name, value),
  );
  return [`# The last suggestion: ${last.status}`, last.reason ?? '', ...entries]
    .join('\n\n')
    .concat('\n');
}

function renderEntry(name: string, value: unknown): string {
  if (typeof value === 'number') return `**${name}**: ${Math.round(value * 10) / 10}`;
  if (typeof value === 'boolean') return `**${name}**: ${value}`;
  if (name === 'filters' && Array.isArray(value)) return renderFilters(value);
  const text = typeof value === 'string' ? value : JSON.stringify(value, null, 2);
  const isShort = name !== 'raw' && !text.includes('\n') && text.length < MAX_INLINE_LENGTH;
  return isShort ? `**${name}**: ${text || '-'}` : `## ${name}\n\n${renderCodeBlock(text)}`;
}

function renderFilters(filters: { name: string; before: string; after: string }[]): string {
  if (!filters.length) return '**filters**: no filter changed the text';
  const changes = filters.map(
    ({ name, before, after }) =>
      `### ${name}\n\n${renderCodeBlock(before)}\n\nbecame\n\n${renderCodeBlock(after)}`,
  );
  return ['## filters', ...changes].join('\n\n');
}

// The code may contain fences. The fence around it must be longer than the longest of them.
function renderCodeBlock(text: string): string {
  const longest = Math.max(2, ...[...text.matchAll(/`+/g)].map((run) => run[0].length));
  const fence = '`'.repeat(longest + 1);
  return `${fence}\n${text}\n${fence}`;
}
