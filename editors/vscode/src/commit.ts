import * as vscode from 'vscode';
import { type Client, reason } from './client';

/** As much of VS Code's own git extension as is used here. */
interface Git {
  getAPI(version: 1): { repositories: Repository[] };
}

interface Repository {
  rootUri: vscode.Uri;
  inputBox: { value: string };
  diff(staged: boolean): Promise<string>;
}

/** Write a message for what is staged, or else for what has changed, into git's box. */
export async function writeCommitMessage(
  client: Client,
  control?: { rootUri?: vscode.Uri },
): Promise<void> {
  const repository = await find(control?.rootUri);
  if (!repository) return void vscode.window.showInformationMessage('There is no git repository.');
  const diff = (await repository.diff(true)) || (await repository.diff(false));
  if (!diff) return void vscode.window.showInformationMessage('There is no change to describe.');
  const location = vscode.ProgressLocation.SourceControl;
  await vscode.window.withProgress({ location, cancellable: true }, (_, token) =>
    write(client, repository, diff, token),
  );
}

async function write(
  client: Client,
  { inputBox }: Repository,
  diff: string,
  token: vscode.CancellationToken,
): Promise<void> {
  const before = inputBox.value;
  inputBox.value = '';
  const heard = (piece: string) => {
    inputBox.value += piece;
  };
  try {
    const params = { diff };
    const answer = client.ask<{ message: string }>('copilotd/commitMessage', params, heard, token);
    inputBox.value = (await answer).message;
  } catch (error) {
    inputBox.value = before;
    if (token.isCancellationRequested) return;
    void vscode.window.showErrorMessage(`copilotd: ${reason(error)}`);
  }
}

async function find(root: vscode.Uri | undefined): Promise<Repository | undefined> {
  const git = vscode.extensions.getExtension<Git>('vscode.git');
  const repositories = (await git?.activate())?.getAPI(1).repositories ?? [];
  const wanted = root?.toString();
  return repositories.find(({ rootUri }) => rootUri.toString() === wanted) ?? repositories[0];
}
