import { ConnectionManagerError, describe } from '../errors.ts'
import { readUserCode } from '../guards/user-code.ts'
import { isPlain } from '../guards/named-fields.ts'
import { optionsOfFunction } from './function-options.ts'
import { asIdentifier, isIdentifier } from './identifier.ts'
import { isStreamTypeName } from './keys.ts'

/** Who may receive a stream's messages: everyone who subscribes, or the one user whom a message names. */
export type Audience = 'public' | 'private'

/** Whether a stream type takes a symbol. */
export type SymbolRule = 'required' | 'optional' | 'none'

/**
 * What a connection that is behind gets of a stream: its newest message alone (`latest`), or every one (`every`).
 *
 * It is what a message is worth once a newer one exists: nothing, or as much as before. Full states (a price, a snapshot of
 * a book) may be `latest`; what builds on the one before (deltas of a book, trades) must be `every`.
 */
export type DeliveryClass = 'latest' | 'every'

/**
 * What happens when more waits for a connection than `delivery.hardLimitBytes`, or something for longer than `delivery.maxLagMs`:
 * the oldest waiting messages of the stream are given up and the client is told how many (`drop`), or the connection is ended
 * (`disconnect`).
 */
export type OverflowPolicy = 'drop' | 'disconnect'

/** One entry of a catalogue, as one writes it for `defineStreams`. */
export type StreamDefinition<TPayload = unknown> = PublicStreamDefinition<TPayload> | PrivateStreamDefinition<TPayload>

/** An entry for a stream whose messages may go to every subscriber. */
export interface PublicStreamDefinition<TPayload = unknown> extends AnyStreamDefinition<TPayload> {
  /** Everybody may receive its messages. */
  readonly audience: 'public'
  /**
   * The delivery class.
   *
   * @default 'every'
   */
  readonly delivery?: DeliveryClass
  /**
   * What happens when too much waits, or something for too long.
   *
   * @default 'disconnect'
   */
  readonly overflow?: OverflowPolicy
}

/** An entry for a stream whose messages belong to one user each. That user must miss none of them, so the delivery is fixed. */
export interface PrivateStreamDefinition<TPayload = unknown> extends AnyStreamDefinition<TPayload> {
  /** Only the user that a message names may receive it. */
  readonly audience: 'private'
  /** A message that belongs to one user is never replaced. */
  readonly delivery?: 'every'
  /** A message that belongs to one user is never dropped. */
  readonly overflow?: 'disconnect'
}

interface AnyStreamDefinition<TPayload> {
  /** @default 'required' for public streams, 'optional' for private ones */
  readonly symbol?: SymbolRule
  /** The type of the stream's data, for the compiler alone: write `payload: {} as Ticker`. The value is never read. */
  readonly payload?: TPayload
}

/** Stream type → definition. */
export type StreamCatalogue = Readonly<Record<string, StreamDefinition>>

/** The symbol rule of a definition, its default included. */
export type SymbolRuleOf<TDefinition extends StreamDefinition> = TDefinition extends {
  readonly symbol: infer TRule extends SymbolRule
}
  ? TRule
  : TDefinition extends { readonly audience: 'private' }
    ? 'optional'
    : 'required'

/** The symbol of a request or a message, as the stream type's rule wants it. */
export type SymbolField<TRule> = TRule extends 'required'
  ? { readonly symbol: string }
  : TRule extends 'optional'
    ? { readonly symbol?: string | null | undefined }
    : { readonly symbol?: null | undefined }

/** The payload type of a definition; `unknown` where it names none. */
export type PayloadOf<TDefinition extends StreamDefinition> = TDefinition extends { readonly payload?: infer TPayload }
  ? TPayload
  : unknown

/** A catalogue whose defaults are filled in. */
export type DefinedStreams<TStreams extends StreamCatalogue> = {
  readonly [TName in keyof TStreams]: DefinedStream<TStreams[TName]>
}

type DefinedStream<TDefinition extends StreamDefinition> = TDefinition extends { readonly audience: 'private' }
  ? {
      readonly audience: 'private'
      readonly symbol: SymbolRuleOf<TDefinition>
      readonly delivery: 'every'
      readonly overflow: 'disconnect'
      readonly payload?: PayloadOf<TDefinition>
    }
  : {
      readonly audience: 'public'
      readonly symbol: SymbolRuleOf<TDefinition>
      readonly delivery: DeliveryClass
      readonly overflow: OverflowPolicy
      readonly payload?: PayloadOf<TDefinition>
    }

/** A definition whose defaults are filled in. */
export interface ResolvedDefinition {
  readonly audience: Audience
  readonly symbol: SymbolRule
  readonly delivery: DeliveryClass
  readonly overflow: OverflowPolicy
}

type ResolvedCatalogue = Readonly<Record<string, ResolvedDefinition>>

const defined = /* @__PURE__ */ new WeakSet<object>()

/**
 * Returns a catalogue of stream types of one's own, validated, with defaults filled in, frozen.
 *
 * A catalogue that is given to a manager, or to a message function, replaces the default one. To extend the default
 * one, spread it: `defineStreams({ ...tradingStreams, NEWS: { audience: 'public', symbol: 'none' } })`.
 *
 * @throws `ERR_INVALID_ARGUMENT` naming the stream type and what is wrong with it: a name must be a non-empty
 * string without `:`, an unknown field is refused, and a private stream neither conflates nor drops. A `Map`, an array or an object of a
 * class is refused as well.
 *
 * @example
 * const streams = defineStreams({
 *   TICKER: { audience: 'public', payload: {} as { last: number } },
 *   FILLS: { audience: 'private' },
 *   NEWS: { audience: 'public', symbol: 'none' },
 * })
 * const manager = new ConnectionManager({ streams })
 */
export function defineStreams<const TStreams extends StreamCatalogue>(definitions: TStreams): DefinedStreams<TStreams> {
  const isCatalogue = typeof definitions === 'object' && definitions !== null
  if (isCatalogue && defined.has(definitions)) return definitions as unknown as DefinedStreams<TStreams>
  const entries = readUserCode(
    () => (isCatalogue && isPlain(definitions) && !Array.isArray(definitions) ? Object.entries(definitions) : undefined),
    (cause) => new ConnectionManagerError('ERR_INVALID_ARGUMENT', 'A catalogue must be readable', {}, cause),
  )
  if (entries === undefined) {
    throw new ConnectionManagerError('ERR_INVALID_ARGUMENT', `A catalogue must be a plain object, got ${describe(definitions)}`)
  }
  // Without a prototype, so that `constructor` and `__proto__` are names like any other.
  const catalogue: Record<string, ResolvedDefinition> = Object.create(null)
  for (const [name, definition] of entries) catalogue[name] = resolved(name, definition)
  defined.add(Object.freeze(catalogue))
  return catalogue as DefinedStreams<TStreams>
}

const FIELDS: readonly string[] = ['audience', 'symbol', 'delivery', 'overflow', 'payload'] satisfies (keyof StreamDefinition)[]
const AUDIENCES: readonly unknown[] = ['public', 'private']
const SYMBOL_RULES: readonly unknown[] = ['required', 'optional', 'none']
const DELIVERY_CLASSES: readonly unknown[] = ['latest', 'every']
const OVERFLOW_POLICIES: readonly unknown[] = ['drop', 'disconnect']

function resolved(name: string, definition: StreamDefinition): ResolvedDefinition {
  const refusal = (what: string, received: unknown, cause?: unknown): ConnectionManagerError => {
    const message = `Stream type ${describe(name)}: ${what}, got ${describe(received)}`
    return new ConnectionManagerError('ERR_INVALID_ARGUMENT', message, { streamType: name }, cause)
  }
  const refuse = (what: string, received: unknown): never => {
    throw refusal(what, received)
  }
  if (!isStreamTypeName(name)) refuse('its name must be a non-empty string without ":"', name)
  if (typeof definition !== 'object' || definition === null) refuse('its definition must be an object', definition)
  const { fields, audience, symbol, delivery, overflow } = readUserCode(
    () => withDefaults(definition),
    (cause) => refusal('its definition must be readable', definition, cause),
  )
  for (const field of fields) if (!FIELDS.includes(field)) refuse('there is no such field', field)
  if (!AUDIENCES.includes(audience)) refuse('audience must be "public" or "private"', audience)
  if (!SYMBOL_RULES.includes(symbol)) refuse('symbol must be "required", "optional" or "none"', symbol)
  if (!DELIVERY_CLASSES.includes(delivery)) refuse('delivery must be "latest" or "every"', delivery)
  if (!OVERFLOW_POLICIES.includes(overflow)) refuse('overflow must be "drop" or "disconnect"', overflow)
  if (audience === 'private' && delivery !== 'every') refuse('a private stream delivers every message', delivery)
  if (audience === 'private' && overflow !== 'disconnect') refuse('a private stream drops nothing', overflow)
  return Object.freeze({ audience, symbol, delivery, overflow })
}

function withDefaults(definition: StreamDefinition): ResolvedDefinition & { readonly fields: readonly string[] } {
  const { audience } = definition
  const { symbol = audience === 'private' ? 'optional' : 'required', delivery = 'every', overflow = 'disconnect' } = definition
  return { fields: Object.getOwnPropertyNames(definition), audience, symbol, delivery, overflow }
}

const TRADING_STREAMS = {
  PRICE: { audience: 'public', delivery: 'latest' },
  ORDERBOOK: { audience: 'public' },
  TRADES: { audience: 'public' },
  USER_DATA: { audience: 'private' },
  BOT_STATUS: { audience: 'private' },
  RISK_ALERTS: { audience: 'private' },
  ORDER_UPDATES: { audience: 'private' },
} as const

/** The default catalogue: the seven types of `StreamType`. */
export const tradingStreams: DefinedStreams<typeof TRADING_STREAMS> = /* @__PURE__ */ defineStreams(TRADING_STREAMS)

/** The type of the default catalogue, which a manager has unless it is given another. */
export type TradingStreams = typeof tradingStreams

/**
 * Returns the catalogue in the options of a message function, validated; the default one for none.
 *
 * @throws `ERR_INVALID_ARGUMENT`
 */
export function catalogueIn(options: { readonly streams?: StreamCatalogue | undefined } | undefined): StreamCatalogue {
  const { streams } = optionsOfFunction(options, ['streams'])
  return streams === undefined ? tradingStreams : defineStreams(streams as StreamCatalogue)
}

/**
 * Returns the definition of a stream type.
 *
 * @throws `ERR_UNKNOWN_STREAM` when the catalogue does not have it: it is never guessed to be public
 */
export function definitionOf(streams: StreamCatalogue, streamType: unknown): ResolvedDefinition {
  const definition = typeof streamType === 'string' ? (streams as ResolvedCatalogue)[streamType] : undefined
  if (definition !== undefined) return definition
  throw new ConnectionManagerError('ERR_UNKNOWN_STREAM', `There is no stream type ${describe(streamType)}`, {
    ...(typeof streamType === 'string' && { streamType }),
  })
}

/**
 * Returns the symbol, or `undefined` for none, as the definition's rule wants it. `null` means none.
 *
 * @throws `ERR_SYMBOL_REQUIRED`, `ERR_SYMBOL_NOT_ALLOWED`, `ERR_INVALID_ID`
 */
export function symbolFor(streamType: string, { symbol: rule }: ResolvedDefinition, symbol: unknown): string | undefined {
  if (symbol === undefined || symbol === null) {
    if (rule !== 'required') return undefined
    throw new ConnectionManagerError('ERR_SYMBOL_REQUIRED', `Stream type ${describe(streamType)} needs a symbol`, {
      streamType,
    })
  }
  if (rule === 'none') {
    const message = `Stream type ${describe(streamType)} takes no symbol, got ${describe(symbol)}`
    throw new ConnectionManagerError('ERR_SYMBOL_NOT_ALLOWED', message, { streamType })
  }
  return isIdentifier(symbol) ? symbol : asIdentifier(symbol, 'symbol')
}
