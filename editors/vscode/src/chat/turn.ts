import type { Call } from './acts';

/** A message as `copilotd/chat` takes it. */
export interface Turn {
  role: 'user' | 'assistant' | 'system' | 'tool';
  content?: string;
  calls?: Call[];
  callId?: string;
  name?: string;
  command?: Command;
  code?: Code;
  diagnostics?: string[];
}

/** A piece of a file; `line` is the number of its first line, from 0. */
export interface Code {
  text: string;
  path: string;
  language: string;
  line: number;
}

export type Command = 'explain' | 'fix' | 'tests' | 'doc';

export interface Answer {
  content: string;
  /** What the answer adds to the conversation, where tools were used. */
  messages?: Turn[];
  finishReason: 'stop' | 'length';
  model: string;
}

export const COMMANDS: readonly Command[] = ['explain', 'fix', 'tests', 'doc'];

/** What a user typed: `/fix the loop` is the command with the rest as content. */
export function typed(text: string): Turn {
  const content = text.trim();
  const [, word, rest] = /^\/(\w+)\s*([\s\S]*)$/.exec(content) ?? [];
  const command = COMMANDS.find((known) => known === word);
  return command ? { role: 'user', content: rest ?? '', command } : { role: 'user', content };
}

/** How the question is shown and listed. */
export function written(turn: Turn): string {
  return [turn.command ? `/${turn.command}` : '', turn.content].filter(Boolean).join(' ');
}

/** `app/a.py:3-10`, as people count lines. */
export function place(code: Code): string {
  const last = code.line + Math.max(1, code.text.replace(/\n$/, '').split('\n').length);
  return `${code.path}:${code.line + 1}${last > code.line + 1 ? `-${last}` : ''}`;
}
