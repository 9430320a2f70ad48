/** What may wait for one client. Little, so that this short a play comes to it: the library's default is 1 MiB. */
export const HARD_LIMIT_BYTES = 8 * 1024
