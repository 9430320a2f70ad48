import { parseServerMessage } from '../../../src/index.ts'
import { digest } from './digest.ts'
import { channelName } from './channel.ts'
import { streams } from './streams.ts'

/** What a client makes of a text, knowing nothing but the text. */
export interface Receipt {
  readonly digest: number
  readonly channel: string
  /** The message's number in its channel; 0 for a gap notice. */
  readonly n: number
  readonly gap: number
  /** Whose it is, by its envelope and by its data. */
  readonly owners: readonly string[]
}

/** @throws what `parseServerMessage` throws, and for a notice that the soak does not send */
export function receiptOf(text: string): Receipt {
  const message = parseServerMessage(text, { streams })
  if (message.type === 'gap') {
    return { digest: digest(text), channel: channelName(message), n: 0, gap: message.dropped ?? 0, owners: [] }
  }
  if (message.type !== undefined) throw new Error(`The soak sends no ${message.type} notice`)
  const { n, owner } = message.data as { n: number; owner?: string }
  const owners = [message.userId, owner].filter((each) => each !== undefined)
  return { digest: digest(text), channel: channelName(message), n, gap: 0, owners }
}
