const SHORT = 60;

/** What `copilotd.lastCompletion` answers. */
export interface Last {
  status: string;
  reason?: string | null;
  explanation?: Record<string, unknown> | null;
}

/** The answer as Markdown: the verdict first, then each part of the explanation. */
export function explained(last: Last | null | undefined): string {
  if (!last) return '# Nothing was asked for yet\n';
  const parts = Object.entries(last.explanation ?? {}).map(([name, value]) => part(name, value));
  return [`# The last suggestion: ${last.status}`, last.reason ?? '', ...parts]
    .join('\n\n')
    .concat('\n');
}

function part(name: string, value: unknown): string {
  if (typeof value === 'number') return `**${name}**: ${Math.round(value * 10) / 10}`;
  if (typeof value === 'boolean') return `**${name}**: ${value}`;
  if (name === 'filters' && Array.isArray(value)) return filters(value);
  const text = typeof value === 'string' ? value : JSON.stringify(value, null, 2);
  const isShort = name !== 'raw' && !text.includes('\n') && text.length < SHORT;
  return isShort ? `**${name}**: ${text || '-'}` : `## ${name}\n\n${fenced(text)}`;
}

function filters(steps: { name: string; before: string; after: string }[]): string {
  const changes = steps.map(
    ({ name, before, after }) => `### ${name}\n\n${fenced(before)}\n\nbecame\n\n${fenced(after)}`,
  );
  return changes.length ? ['## filters', ...changes].join('\n\n') : '**filters**: none changed it';
}

// The code may hold fences itself: ours is longer than its longest.
function fenced(text: string): string {
  const longest = Math.max(2, ...[...text.matchAll(/`+/g)].map((run) => run[0].length));
  const fence = '`'.repeat(longest + 1);
  return `${fence}\n${text}\n${fence}`;
}
