import { expect, test } from 'vitest';
import { Conversations, title } from '../src/chat/conversations';
import { place, typed, written } from '../src/chat/turn';

function kept(): Conversations {
  const store = new Map<string, unknown>();
  let number = 0;
  return new Conversations(
    {
      get: (key, otherwise) => (store.get(key) ?? otherwise) as typeof otherwise,
      update: async (key, value) => void store.set(key, JSON.parse(JSON.stringify(value))),
    },
    () => {
      number += 1;
      return String(number);
    },
  );
}

test('a word that is a command asks it about the code, the rest goes with it', () => {
  expect(typed(' /fix the\nloop ')).toEqual({ role: 'user', content: 'the\nloop', command: 'fix' });
  expect(typed('/explain')).toEqual({ role: 'user', content: '', command: 'explain' });
});

test('a word that is no command is part of the question', () => {
  expect(typed('/usr/bin is what?')).toEqual({ role: 'user', content: '/usr/bin is what?' });
  expect(typed('/nonsense x')).toEqual({ role: 'user', content: '/nonsense x' });
});

test('a question is written as it was typed', () => {
  expect(['/fix the loop', '/tests', 'why?'].map((text) => written(typed(text)))).toEqual([
    '/fix the loop',
    '/tests',
    'why?',
  ]);
});

test('a place counts lines from one, whether or not the last ends with a line end', () => {
  const code = { path: 'a.py', language: 'python', line: 2 };
  expect(['x', 'x\n', 'x\ny', 'x\ny\n'].map((text) => place({ ...code, text }))).toEqual([
    'a.py:3',
    'a.py:3',
    'a.py:3-4',
    'a.py:3-4',
  ]);
});

test('the conversation that was used last is the first of those kept', async () => {
  const conversations = kept();
  const [first, second] = [conversations.begin(), conversations.begin()];
  await conversations.keep(first);
  await conversations.keep(second);
  await conversations.keep({ ...first, turns: [typed('why?')] });
  expect(conversations.all().map(({ id, turns }) => [id, turns.length])).toEqual([
    ['1', 1],
    ['2', 0],
  ]);
});

test('of many conversations the last twenty are kept', async () => {
  const conversations = kept();
  for (let i = 0; i < 23; i++) await conversations.keep(conversations.begin());
  expect(conversations.all().map(({ id }) => id)).toEqual(
    Array.from({ length: 20 }, (_, i) => String(23 - i)),
  );
});

test('the title is the first line of the first question, cut where it is long', () => {
  const long = 'a'.repeat(80);
  expect([`why?\nplease`, long].map((text) => title({ id: '', turns: [typed(text)] }))).toEqual([
    'why?',
    `${'a'.repeat(59)}…`,
  ]);
});
