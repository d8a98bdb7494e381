import { type Turn, written } from './turn';

/** A conversation as it is kept. */
export interface Conversation {
  id: string;
  turns: Turn[];
}

/** Where to keep them: VS Code's own store for a workspace has this shape. */
export interface Store {
  get<T>(key: string, otherwise: T): T;
  update(key: string, value: unknown): Thenable<void>;
}

const KEY = 'conversations';
const MOST = 20;
const TITLE_LENGTH = 60;

/** The last conversations, newest first. */
export class Conversations {
  constructor(
    private readonly store: Store,
    private readonly name: () => string,
  ) {}

  all(): Conversation[] {
    return this.store.get<Conversation[]>(KEY, []);
  }

  begin(): Conversation {
    return { id: this.name(), turns: [] };
  }

  keep(conversation: Conversation): Thenable<void> {
    const others = this.all().filter(({ id }) => id !== conversation.id);
    return this.store.update(KEY, [conversation, ...others].slice(0, MOST));
  }
}

export function title({ turns }: Conversation): string {
  const [line = ''] = turns[0] ? written(turns[0]).split('\n') : [];
  return line.length > TITLE_LENGTH ? `${line.slice(0, TITLE_LENGTH - 1)}…` : line;
}
