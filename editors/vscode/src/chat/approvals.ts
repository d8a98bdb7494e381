import * as vscode from 'vscode';
import type { ApprovalDecision, ApprovalRequest } from '../protocol';
import type { MessageToPage } from './pageMessages';

const ONCE = 'Allow';
const SESSION = 'Allow for This Session';

/** Asks the user for approval: in the chat if it is visible, otherwise in a dialog. */
export class Approvals {
  private readonly pending = new Map<string, (decision: ApprovalDecision) => void>();
  /** Posts to the chat page; false if the user does not see it. */
  post: (message: MessageToPage) => boolean = () => false;

  async ask(
    request: ApprovalRequest,
    token: vscode.CancellationToken,
  ): Promise<{ decision: ApprovalDecision }> {
    if (!this.post({ type: 'approvalRequested', request })) {
      return { decision: await askInDialog(request) };
    }
    return new Promise((resolve) => {
      this.pending.set(request.id, (decision) => resolve({ decision }));
      // The server cancels the request when it no longer needs the answer.
      token.onCancellationRequested(() => this.decide(request.id, 'deny'));
    });
  }

  decide(id: string, decision: ApprovalDecision): void {
    this.pending.get(id)?.(decision);
    this.pending.delete(id);
    this.post({ type: 'approvalDecided', id });
  }
}

async function askInDialog({ title, diff, command }: ApprovalRequest): Promise<ApprovalDecision> {
  const options = { modal: true, detail: command || diff };
  const chosen = await vscode.window.showWarningMessage(`${title}?`, options, ONCE, SESSION);
  if (chosen === SESSION) return 'session';
  return chosen === ONCE ? 'once' : 'deny';
}
