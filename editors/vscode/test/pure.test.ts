import { expect, test } from 'vitest';
import { candidates, executable } from '../src/executable';
import { explained } from '../src/explanation';
import { settings, suggestsIn, toggled } from '../src/options';
import { label } from '../src/state';

test('a setting of the wrong type becomes its default', () => {
  const wrong = { path: 3, arguments: ['--x', 4], enabled: 'yes', disabledLanguages: 'python' };
  expect(settings((key) => wrong[key])).toEqual({
    path: '',
    arguments: ['--x'],
    enabled: true,
    disabledLanguages: [],
  });
});

test('a language that was disabled gets no suggestions, the others do', () => {
  const some = settings((key) => (key === 'disabledLanguages' ? ['markdown'] : undefined));
  expect([suggestsIn(some, 'markdown'), suggestsIn(some, 'python')]).toEqual([false, true]);
});

test('toggling a language twice changes nothing', () => {
  expect(toggled(toggled(['c'], 'python'), 'python')).toEqual(['c']);
});

test('the path in the settings is the only one that is tried', () => {
  const places = { setting: '~/x/copilotd', path: '/bin', home: '/home/me' };
  expect(candidates(places)).toEqual(['/home/me/x/copilotd']);
});

test('the first program on PATH comes before the home folder', () => {
  const there = new Set(['/b/copilotd', '/home/me/.local/bin/copilotd']);
  const places = { setting: '', path: '/a:/b', home: '/home/me' };
  expect(executable(places, (file) => there.has(file))).toBe('/b/copilotd');
});

test('a download shows its share', () => {
  const state = { phase: 'downloading', detail: '', fraction: 0.429 } as const;
  expect(label(state)).toBe('$(cloud-download) copilotd: downloading 42 %');
});

test('code with a fence stays inside the fence of the explanation', () => {
  const page = explained({ status: 'shown', explanation: { prompt: '```py\nx\n```' } });
  expect(page).toContain('````\n```py\nx\n```\n````');
});

test('an explanation has short parts in a line, and what each filter changed', () => {
  const explanation = {
    source: 'engine',
    total_ms: 12.345,
    filters: [{ name: 'one line', before: 'a\nb', after: 'a' }],
  };
  expect(explained({ status: 'shown', reason: "the model's answer", explanation })).toBe(
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
