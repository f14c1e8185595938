import type { ModuleType, Project } from './project.js';

/** A way to build, start or test an application. */
export interface Toolchain {
  /** Unique within a row; the name of the folder. */
  readonly name: string;
  readonly type: ModuleType;
  /** Builds and checks. Rejects if the check fails. */
  run(project: Project): Promise<void>;
}
