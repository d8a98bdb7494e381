import { expect, test } from 'vitest';
import { ConversationStore, formatTitle } from '../src/chat/conversationStore';
import { formatLocation, formatQuestion, parseQuestion } from '../src/chat/question';

function createStore(): ConversationStore {
  const values = new Map<string, unknown>();
  let lastId = 0;
  return new ConversationStore(
    {
      get: (key, defaultValue) => (values.get(key) ?? defaultValue) as typeof defaultValue,
      update: async (key, value) => void values.set(key, JSON.parse(JSON.stringify(value))),
    },
    () => {
      lastId += 1;
      return String(lastId);
    },
  );
}

test('a known word after a slash is a command, and the rest is its content', () => {
  expect(parseQuestion(' /fix the\nloop ')).toEqual({
    role: 'user',
    content: 'the\nloop',
    command: 'fix',
  });
  expect(parseQuestion('/explain')).toEqual({ role: 'user', content: '', command: 'explain' });
});

test('an unknown word after a slash is part of the question', () => {
  expect(parseQuestion('/usr/bin is what?')).toEqual({
    role: 'user',
    content: '/usr/bin is what?',
  });
  expect(parseQuestion('/nonsense x')).toEqual({ role: 'user', content: '/nonsense x' });
});

test('a question is shown as it was typed', () => {
  const questions = ['/fix the loop', '/tests', 'why?'];
  expect(questions.map((text) => formatQuestion(parseQuestion(text)))).toEqual(questions);
});

test('a location counts lines from one, with or without a final line end', () => {
  const code = { path: 'a.py', language: 'python', line: 2 };
  const texts = ['x', 'x\n', 'x\ny', 'x\ny\n'];
  expect(texts.map((text) => formatLocation({ ...code, text }))).toEqual([
    'a.py:3',
    'a.py:3',
    'a.py:3-4',
    'a.py:3-4',
  ]);
});

test('the conversation that was saved last is the first in the list', async () => {
  const store = createStore();
  const [first, second] = [store.create(), store.create()];
  await store.save(first);
  await store.save(second);
  await store.save({ ...first, turns: [parseQuestion('why?')] });
  expect(store.list().map(({ id, turns }) => [id, turns.length])).toEqual([
    ['1', 1],
    ['2', 0],
  ]);
});

test('the last twenty conversations are kept', async () => {
  const store = createStore();
  for (let i = 0; i < 23; i++) await store.save(store.create());
  expect(store.list().map(({ id }) => id)).toEqual(
    Array.from({ length: 20 }, (_, i) => String(23 - i)),
  );
});

test('the title is the first line of the first question, shortened if it is long', () => {
  const titles = [`why?\nplease`, 'a'.repeat(80)].map((text) =>
    formatTitle({ id: '', turns: [parseQuestion(text)] }),
  );
  expect(titles).toEqual(['why?', `${'a'.repeat(59)}…`]);
});
