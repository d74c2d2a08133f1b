/** Why a lab is not up, or no longer well: the step that failed, and where to look. */
export class LabError extends Error {
  readonly step: string;
  /** The process whose log explains it, with its last lines. */
  readonly process: string | undefined;
  readonly lastLogLines: readonly string[];
  /** A directory that outlives the lab with the logs of all its processes; undefined when there are none. */
  readonly logDirectory: string | undefined;

  constructor(step: string, cause: unknown, evidence: Evidence) {
    super(cause instanceof Error ? cause.message : String(cause), { cause });
    this.name = 'LabError';
    this.step = step;
    this.process = evidence.process;
    this.lastLogLines = evidence.lastLogLines;
    this.logDirectory = evidence.logDirectory;
  }
}

export interface Evidence {
  readonly process: string | undefined;
  readonly lastLogLines: readonly string[];
  readonly logDirectory: string | undefined;
}
