/** How the program ends, for the script that called it. */
export const EXIT_OK = 0;
/** The controller refused, or the answer to what was asked is no. */
export const EXIT_REFUSED = 1;
/** The command, a setting, a credential or a file is not what it must be; nothing was asked of the controller. */
export const EXIT_USAGE = 2;
/** Nobody knows: the controller was not reached, did not answer in time, or cannot say now. It may be asked again. */
export const EXIT_UNREACHABLE = 3;

export type ExitCode = typeof EXIT_OK | typeof EXIT_REFUSED | typeof EXIT_USAGE | typeof EXIT_UNREACHABLE;
