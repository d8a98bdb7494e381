import * as vscode from 'vscode';
import type { Decision, Question } from './acts';
import type { ToPage } from './messages';

const ONCE = 'Allow';
const SESSION = 'Allow for This Session';

/** Puts the server's questions to the user: in the chat if it is on the screen, else in a dialog. */
export class Approvals {
  private readonly waiting = new Map<string, (decision: Decision) => void>();
  /** Draws on the page; false if there is none that the user sees. */
  tell: (message: ToPage) => boolean = () => false;

  async ask(question: Question, token: vscode.CancellationToken): Promise<{ decision: Decision }> {
    if (!this.tell({ type: 'asks', question })) return { decision: await dialog(question) };
    return new Promise((resolve) => {
      this.waiting.set(question.id, (decision) => resolve({ decision }));
      // Nobody waits for the answer any more.
      token.onCancellationRequested(() => this.decide(question.id, 'deny'));
    });
  }

  decide(id: string, decision: Decision): void {
    this.waiting.get(id)?.(decision);
    this.waiting.delete(id);
    this.tell({ type: 'decided', id });
  }
}

async function dialog({ title, diff, command }: Question): Promise<Decision> {
  const options = { modal: true, detail: command || diff };
  const chosen = await vscode.window.showWarningMessage(`${title}?`, options, ONCE, SESSION);
  if (chosen === SESSION) return 'session';
  return chosen === ONCE ? 'once' : 'deny';
}
