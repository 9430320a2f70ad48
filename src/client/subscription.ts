/** One listener's share in the subscription to a stream. */
export interface ClientSubscription {
  /** True while the server sends the stream, and this listener is not removed. False while there is no connection. */
  readonly live: boolean
  /** Removes the listener. Other listeners of the same stream stay subscribed. */
  unsubscribe(): void
  /**
   * Subscribes to the stream again without a position, for instance because your order book is broken. All listeners of the stream get a snapshot, or
   * the last value if the stream is `latest`. This message replaces their state. If the server has neither, they get a gap. Without a connection, the
   * client does this when it has connected. Does nothing once this listener is removed.
   */
  refresh(): void
}
