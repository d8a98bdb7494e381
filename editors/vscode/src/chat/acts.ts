/** What the model does beside writing: the parts of an answer that `copilotd/chat` streams. */
export interface Progress {
  delta?: string;
  call?: Call;
  result?: Result;
}

export interface Call {
  id: string;
  name: string;
  arguments: string;
}

export interface Result {
  id: string;
  title: string;
  text: string;
  isFailure: boolean;
  canUndo: boolean;
}

/** What the server wants to be allowed. */
export interface Question {
  id: string;
  tool: string;
  title: string;
  diff: string;
  command: string;
}

export type Decision = 'once' | 'session' | 'deny';

/** An act as it is drawn; `state` of one that was kept with its conversation is `kept`. */
export interface Act {
  id: string;
  title: string;
  state: 'working' | 'done' | 'failed' | 'kept';
  text: string;
  canUndo: boolean;
}

/** A call while it is at work, or when all that is known of it is the call. */
export function called({ id, name, arguments: said }: Call, state: Act['state']): Act {
  return { id, title: `${name} ${first(said)}`.trim(), state, text: '', canUndo: false };
}

export function ended({ isFailure, ...result }: Result): Act {
  return { ...result, state: isFailure ? 'failed' : 'done' };
}

// The first argument says best what a call is about.
function first(said: string): string {
  try {
    const [value] = Object.values(JSON.parse(said) as Record<string, unknown>);
    return typeof value === 'string' ? (value.split('\n')[0] ?? '') : '';
  } catch {
    return '';
  }
}
