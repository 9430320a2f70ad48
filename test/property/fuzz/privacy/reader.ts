import { ownText, skipText, type Message, type Told } from './message.ts'
import type { Model } from './model.ts'
import { OWN_TEXTS, STREAM_OF_NOTICE, type Stream } from './streams.ts'

/** What a text turned out to be. */
export interface Read {
  readonly message?: Message
  readonly dropped?: { readonly stream: Stream; readonly count: number }
  /** The message that somebody was left out of, by what a recorder has for them. */
  readonly skipped?: Message
  readonly told?: Told
  readonly objection?: string
}

const NOTICE = '{"type":"gap"'
const SKIP = '{"skip":'
const TOLD = '{"told":'
const DATA = ',"data":'
const DROPPED = ',"dropped":'
const TIMESTAMP = ',"timestamp":"'
const OF_NOBODY = ',"user_id":null}'

/** Reads texts as they reach the sockets, letter by letter: nothing of the library's is trusted with it. */
export class Reader {
  readonly #model: Model
  // One text reaches many sockets.
  #lastText: string | undefined
  #lastRead: Read = {}

  constructor(model: Model) {
    this.#model = model
  }

  read(text: string): Read {
    if (text === this.#lastText) return this.#lastRead
    this.#lastRead = this.#readAnew(text)
    this.#lastText = text
    return this.#lastRead
  }

  #readAnew(text: string): Read {
    if (text.startsWith(NOTICE)) return this.#notice(text)
    if (text.startsWith(OWN_TEXTS.head)) return this.#ownText(text)
    if (text.startsWith(SKIP)) return this.#skip(text)
    return text.startsWith(TOLD) ? this.#toldBy(text) : this.#message(text)
  }

  #skip(text: string): Read {
    const skipped = this.#model.messageOf(parseInt(text.slice(SKIP.length), 10))
    return skipped !== undefined && text === skipText(skipped) ? { skipped } : { objection: 'It is nothing that a recorder has made' }
  }

  #toldBy(text: string): Read {
    const told = this.#model.told[parseInt(text.slice(TOLD.length), 10)]
    return told === undefined ? { objection: 'It has no number of a notice' } : { told }
  }

  #message(text: string): Read {
    const from = text.indexOf(DATA) + DATA.length
    const to = text.indexOf(TIMESTAMP, from)
    const message = this.#model.messageOf(Number(text.slice(from, to)))
    if (message === undefined) return { objection: 'It has no number of a message' }
    if (!text.startsWith(message.stream.head)) return { objection: `It begins otherwise than ${message.stream.head}` }
    const tail = message.owner?.tail ?? OF_NOBODY
    return text.endsWith(tail) ? { message } : { objection: `It ends otherwise than ${tail}` }
  }

  #ownText(text: string): Read {
    const message = this.#model.messageOf(parseInt(text.slice(OWN_TEXTS.head.length), 10))
    if (message?.stream !== OWN_TEXTS) return { objection: 'It has no number of a text' }
    return text === ownText(message) ? { message } : { objection: `It is not ${ownText(message)}` }
  }

  #notice(text: string): Read {
    const from = text.lastIndexOf(DROPPED) + DROPPED.length
    const stream = STREAM_OF_NOTICE.get(text.slice(0, from))
    const count = Number(text.slice(from, -1))
    return stream === undefined || !(count > 0) ? { objection: 'It is no notice' } : { dropped: { stream, count } }
  }
}
