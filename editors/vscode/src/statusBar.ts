import * as vscode from 'vscode';
import { formatLabel, type ServerState, STARTING } from './serverState';

/** Shorter work shows no spinner, which would only flicker. */
const SPINNER_DELAY_MS = 250;

/** The status bar item, and the pause that it shows. A pause hides the server's state. */
export class StatusBar implements vscode.Disposable {
  private readonly item = vscode.window.createStatusBarItem(
    'copilotd',
    vscode.StatusBarAlignment.Right,
  );
  private state = STARTING;
  private thinkingCount = 0;
  private paused = false;
  private resumeTimer: NodeJS.Timeout | undefined;

  constructor() {
    this.item.name = 'copilotd';
    this.item.command = 'copilotd.menu';
    this.draw();
    this.item.show();
  }

  get isPaused(): boolean {
    return this.paused;
  }

  show(state: ServerState): void {
    this.state = state;
    this.draw();
  }

  /** Show a spinner while `work` runs, if it takes longer than `SPINNER_DELAY_MS`. */
  async showThinkingDuring<T>(work: Promise<T>): Promise<T> {
    let isShown = false;
    const timer = setTimeout(() => {
      isShown = true;
      this.addThinking(1);
    }, SPINNER_DELAY_MS);
    try {
      return await work;
    } finally {
      clearTimeout(timer);
      if (isShown) this.addThinking(-1);
    }
  }

  /** Pause for some minutes, or until `resume` if none are given. */
  pause(minutes?: number): void {
    clearTimeout(this.resumeTimer);
    this.paused = true;
    if (minutes) this.resumeTimer = setTimeout(() => this.resume(), minutes * 60_000);
    this.draw();
  }

  resume(): void {
    clearTimeout(this.resumeTimer);
    this.paused = false;
    this.draw();
  }

  dispose(): void {
    clearTimeout(this.resumeTimer);
    this.item.dispose();
  }

  private addThinking(change: number): void {
    this.thinkingCount += change;
    this.draw();
  }

  private draw(): void {
    const state: ServerState = this.paused
      ? { phase: 'paused', detail: 'Suggestions are paused.' }
      : this.state;
    this.item.text = formatLabel(state, this.thinkingCount > 0);
    this.item.tooltip = state.detail;
    const isError = state.phase === 'failed' || state.phase === 'missing';
    this.item.backgroundColor = isError
      ? new vscode.ThemeColor('statusBarItem.errorBackground')
      : undefined;
  }
}
