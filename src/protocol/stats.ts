/** What a command server has done so far. The numbers only rise. */
export interface CommandStats {
  /** How many texts clients sent, as strings or as bytes. */
  readonly texts: number
  /**
   * Commands that clients sent. This includes commands that were refused at once because of the rate, or because too many commands had no answer yet.
   * A text that cannot be read, or that has too many commands, counts as one command.
   */
  readonly commands: number
  /** Answers to clients, and other frames of this command server, such as heartbeats. Messages and the notices of the manager do not count. */
  readonly answers: number
  /** Commands that were refused, for any reason. */
  readonly refused: number
  /** Commands that were refused because the client asked too often, or had too many commands without an answer. */
  readonly limited: number
  /** Commands that were refused because user code took too long. */
  readonly timeouts: number
  /** Connections that were closed because too many of their commands were refused. */
  readonly floods: number
  /** Connections that were closed because their clients sent nothing for too long. */
  readonly idle: number
  /**
   * How many times a client was told that its subscription had ended although it did not ask for that. If several clients had the same subscription,
   * each counts. Subscriptions that ended because `onSubscribed` failed do not count.
   */
  readonly ended: number
}

/** `CommandStats` with writable fields, for the code that counts. */
export type Counters = { -readonly [TName in keyof CommandStats]: number }

export function noCounts(): Counters {
  return { texts: 0, commands: 0, answers: 0, refused: 0, limited: 0, timeouts: 0, floods: 0, idle: 0, ended: 0 }
}
