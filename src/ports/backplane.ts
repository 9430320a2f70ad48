/**
 * A broker, as a cluster uses it: plain publish and subscribe. Implement it by a client of your broker. `describeBackplane` of
 * `stream-connection-manager/testing` checks an implementation.
 *
 * - Delivery is at most once. Messages of one publisher come in the order in which they were published. So a message whose fate is unknown is not
 *   sent again.
 * - `receive` is never called from within `publish`, nor after `unsubscribe` or `close` has settled.
 * - While the client has no link to its broker, every call is refused, and nothing is kept for later.
 * - Every promise settles when the link is lost, at the latest. No failure goes unhandled, also not one of a client that the driver has made.
 * - Subjects have only the characters `A–Z a–z 0–9 - _ .`, and at most 4,000 of them. Texts are any well-formed strings.
 */
export interface Backplane {
  /**
   * Begins. `receive` is called for each message of a subject that is subscribed to, those of this node included. `status` is called when the client
   * has its broker, loses it, and has it back. Rejects if the broker cannot be used at all.
   */
  open(receive: (subject: string, text: string) => void, status: (isUp: boolean) => void): Promise<void>
  /** Publishes. A throw, and a promise that rejects, mean that the broker is not there. */
  publish(subject: string, text: string): unknown
  /**
   * Subscribes to all of these. Settles when the broker has them. The implementation subscribes again when the broker is back after a loss. If it rejects,
   * nothing has changed.
   */
  subscribe(subjects: readonly string[]): Promise<void>
  /** Ends subscriptions. An empty list ends none. If it rejects, nothing has changed. */
  unsubscribe(subjects: readonly string[]): Promise<void>
  /** Returns how many are subscribed to a subject, on all nodes, by the broker's own table. More than 0 may be reported as 1. */
  subscribers(subject: string): Promise<number>
  /** Ends what `open` began, and all subscriptions, without waiting for the broker. The caller's own client of the broker stays open. */
  close(): Promise<void>
}
