import type { PublishableMessage } from '../../../src/index.ts'

/** What a feed brings: a message to be published. Its data has its number among all of them, as `id`. */
export type FeedEntry = PublishableMessage

/** How a server ends once it has written its history: it closes its sockets, or it is gone at once, with all that they have buffered. */
export type Ending = 'clean' | 'abrupt'

/** What a server tells its supervisor. */
export type ServerMessage =
  /** It listens, and it needs the feed from this entry on. */
  | { readonly type: 'ready'; readonly port: number; readonly nextEntry: number }
  /** So many entries of the feed have been published. */
  | { readonly type: 'published'; readonly count: number }
