/**
 * What a cluster needs of a broker: plain publish and subscribe. Implement this interface with a client library of your broker. `describeBackplane`
 * of `stream-connection-manager/testing` checks an implementation.
 *
 * - Delivery is at most once, and messages of one publisher come in the order in which they were published. So the implementation does not repeat a
 *   publish that failed, if the broker may have got the message.
 * - `receive` is never called within `publish`. After the promise of `unsubscribe` has resolved, `receive` is not called for the subjects of that
 *   call. After `close` has settled, `receive` is not called at all.
 * - The link is the network connection from the client library to the broker. While there is no link, `publish`, `subscribe` and `subscribers` fail,
 *   and nothing is kept for later.
 * - If the link is lost, every open promise settles. No rejection is left unhandled. If the implementation creates a broker client of its own, this
 *   rule covers the rejections of that client too.
 * - A subject has only the characters `A–Z a–z 0–9 - _ .`, and at most 4,085 characters. A text is any well-formed string.
 */
export interface Backplane {
  /**
   * Begins to use the broker. `receive` is called for each message of each subscribed subject, including messages that this node published. `status`
   * is called with `true` when the link to the broker is up or up again, and with `false` when the link is lost. Rejects if the broker cannot be used
   * at all.
   */
  open(receive: (subject: string, text: string) => void, status: (isUp: boolean) => void): Promise<void>
  /** Publishes. If `publish` throws or returns a promise that rejects, the cluster treats the link to the broker as lost. */
  publish(subject: string, text: string): unknown
  /**
   * Subscribes to all of these subjects. Resolves when the broker has the subscriptions. If the link is lost, the implementation subscribes again
   * when the link is back. If the promise rejects, nothing has changed.
   */
  subscribe(subjects: readonly string[]): Promise<void>
  /** Ends subscriptions. An empty list ends no subscription. If the promise rejects, nothing has changed. */
  unsubscribe(subjects: readonly string[]): Promise<void>
  /** Returns how many subscribers a subject has on all nodes, according to the broker. Any count above 0 may be reported as 1. */
  subscribers(subject: string): Promise<number>
  /**
   * Ends all subscriptions, and closes all connections that `open` made. Does not wait for the broker. The caller's own client of the broker stays
   * open.
   */
  close(): Promise<void>
}
