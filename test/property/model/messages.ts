import { rawJson } from '../../../src/index.ts'
import type { Stream } from './catalogue.ts'
import type { Content, MessageFlaw } from './operations.ts'
import type { Setting } from './setting.ts'

/** Whose a message is, and when it was published. */
export interface Envelope {
  readonly number: number
  readonly stream: Stream
  readonly userId: string | undefined
  readonly timestampMs: number
}

/** The text of a message by its documentation: the wire form, or that of the manager's own serializer. */
export function textOf(
  { number, stream: { streamType, symbol }, userId, timestampMs }: Envelope,
  content: Content,
  form: Setting['form'],
): string {
  const pad = '.'.repeat(content.padding)
  if (form !== 'wire') return `#${number} ${pad}`
  const timestamp = new Date(timestampMs).toISOString()
  return JSON.stringify({ stream_type: streamType, symbol: symbol ?? null, data: { n: number, pad }, timestamp, user_id: userId ?? null })
}

/**
 * What is published as data: it says when it is serialized, and then does what it is to do.
 *
 * `serialized` is for a serializer of one's own, `toJSON` for ours.
 */
export function dataOf(number: number, content: Content, form: Setting['form'], serializing: () => void): unknown {
  const { padding } = content
  const pad = '.'.repeat(padding)
  if (content.form === 'raw' && form === 'wire') return rawJson(JSON.stringify({ n: number, pad }))
  const made = <TText>(text: TText): TText | undefined => {
    serializing()
    if (content.form === 'throwing') throw new Error('unserializable')
    return content.form === 'formless' ? undefined : text
  }
  return form === 'wire' ? { toJSON: () => made({ n: number, pad }) } : { serialized: () => made(`#${number} ${pad}`) }
}

/** Whether a message's serialization can be counted. */
export function isCounted({ form }: Content, messageForm: Setting['form']): boolean {
  return form !== 'raw' || messageForm !== 'wire'
}

export function isSerializable({ form }: Content): boolean {
  return form === 'object' || form === 'raw'
}

export interface MessageFields {
  readonly streamType: string
  readonly symbol?: string | null | undefined
  readonly userId?: string | undefined
  readonly timestamp?: unknown
}

/** The fields of a message, with what is wrong about them. */
export function fieldsOf(stream: Stream, userId: string | undefined, flaw: MessageFlaw | undefined): MessageFields | undefined {
  const fields = { ...stream, ...(userId !== undefined && { userId }) }
  switch (flaw) {
    case 'nothing':
      return undefined
    case 'unknownType':
      return { ...fields, streamType: 'toString' }
    case 'noSymbol':
      return { ...fields, symbol: null }
    case 'symbolTooMuch':
      return { ...fields, symbol: 'x' }
    case 'badSymbol':
      return { ...fields, symbol: '' }
    case 'recipientTooMuch':
      return { ...fields, userId: 'PRICE' }
    case 'noRecipient':
      return stream
    case 'badRecipient':
      return { ...fields, userId: '\ud800' }
    case 'badTimestamp':
      return { ...fields, timestamp: new Date(NaN) }
    case undefined:
      return fields
  }
}
