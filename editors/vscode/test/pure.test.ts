import { expect, test } from 'vitest';
import { findExecutable, listCandidates } from '../src/executable';
import { renderExplanation } from '../src/explanation';
import { formatLabel } from '../src/serverState';
import { isEnabledFor, parseSettings, toggleItem } from '../src/settings';

test('a setting of the wrong type becomes its default', () => {
  const wrong = { path: 3, arguments: ['--x', 4], enabled: 'yes', disabledLanguages: 'python' };
  expect(parseSettings((key) => wrong[key])).toEqual({
    path: '',
    arguments: ['--x'],
    enabled: true,
    disabledLanguages: [],
  });
});

test('a language that is disabled gets no suggestions, and other languages do', () => {
  const some = parseSettings((key) => (key === 'disabledLanguages' ? ['markdown'] : undefined));
  expect([isEnabledFor(some, 'markdown'), isEnabledFor(some, 'python')]).toEqual([false, true]);
});

test('toggling a language twice changes nothing', () => {
  expect(toggleItem(toggleItem(['c'], 'python'), 'python')).toEqual(['c']);
});

test('the path in the settings is the only candidate', () => {
  const paths = { setting: '~/x/copilotd', path: '/bin', home: '/home/me' };
  expect(listCandidates(paths)).toEqual(['/home/me/x/copilotd']);
});

test('the first program on PATH comes before the home folder', () => {
  const there = new Set(['/b/copilotd', '/home/me/.local/bin/copilotd']);
  const paths = { setting: '', path: '/a:/b', home: '/home/me' };
  expect(findExecutable(paths, (file) => there.has(file))).toBe('/b/copilotd');
});

test('a download shows its progress', () => {
  const state = { phase: 'downloading', detail: '', fraction: 0.429 } as const;
  expect(formatLabel(state)).toBe('$(cloud-download) copilotd: downloading 42 %');
});

test('code with a fence stays inside the fence of the explanation', () => {
  const page = renderExplanation({ status: 'shown', explanation: { prompt: '```py\nx\n```' } });
  expect(page).toContain('````\n```py\nx\n```\n````');
});

test('an explanation has short values inline, and a section for each filter', () => {
  const explanation = {
    source: 'engine',
    total_ms: 12.345,
    filters: [{ name: 'one line', before: 'a\nb', after: 'a' }],
  };
  expect(renderExplanation({ status: 'shown', reason: "the model's answer", explanation })).toBe(
    [
      '# The last suggestion: shown',
      "the model's answer",
      '**source**: engine',
      '**total_ms**: 12.3',
      '## filters',
      '### one line',
      '```\na\nb\n```',
      'became',
      '```\na\n```\n',
    ].join('\n\n'),
  );
});
