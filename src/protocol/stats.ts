/** What a command server has done so far. The numbers only rise. */
export interface CommandStats {
  /** How many texts clients sent. A text in bytes counts too. */
  readonly texts: number
  /** Commands in them. Those that were refused at once for the rate, or because too many waited, are included. */
  readonly commands: number
  /** Frames that were sent, answers and others. */
  readonly answers: number
  /** Commands that were refused, for any reason. */
  readonly refused: number
  /** Of those refused: because the client asked too often, or had too many commands without an answer. */
  readonly limited: number
  /** Of those refused: because user code took too long. */
  readonly timeouts: number
  /** Connections that were ended because too many of their commands were refused. */
  readonly floods: number
  /** Connections that were ended because they sent nothing for too long. */
  readonly idle: number
  /** Subscriptions that ended although the client did not ask for that. The client was told. */
  readonly ended: number
}

/** The same numbers, writable for the code that counts. */
export type Counters = { -readonly [TName in keyof CommandStats]: number }

export function noCounts(): Counters {
  return { texts: 0, commands: 0, answers: 0, refused: 0, limited: 0, timeouts: 0, floods: 0, idle: 0, ended: 0 }
}
