import { CHAT_COMMANDS, type ChatMessage, type CodeSnippet } from '../protocol';

/** Parse what the user typed: `/fix the loop` is the command `fix` with the content `the loop`. */
export function parseQuestion(text: string): ChatMessage {
  const content = text.trim();
  const [, word, rest] = /^\/(\w+)\s*([\s\S]*)$/.exec(content) ?? [];
  const command = CHAT_COMMANDS.find((known) => known === word);
  return command ? { role: 'user', content: rest ?? '', command } : { role: 'user', content };
}

/** The question as the user typed it. */
export function formatQuestion({ command, content }: ChatMessage): string {
  return [command ? `/${command}` : '', content].filter(Boolean).join(' ');
}

/** The lines of a snippet, counted from 1: `app/a.py:3-10`. */
export function formatLocation(code: CodeSnippet): string {
  const first = code.line + 1;
  const last = code.line + Math.max(1, code.text.replace(/\n$/, '').split('\n').length);
  return `${code.path}:${first}${last > first ? `-${last}` : ''}`;
}
