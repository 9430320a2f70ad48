import { rawJson, type StreamCatalogue } from '../../../../src/index.ts'
import type { Dice } from '../../../support/dice.ts'
import type { Menagerie, Mischief } from './menagerie.ts'
import type { Names } from './names.ts'
import { wrapped, type Fields, type Wrapped } from './wrapping.ts'

const SHARE_OF_WRONG_FIELDS = 0.03

/** What messages carry when nothing is wrong with them. */
const DATA: readonly unknown[] = [
  null,
  0,
  'text',
  true,
  [1, 2, 3],
  { bid: 64_000.5, ask: 64_001 },
  { order: { id: 7, filled: true, fills: [{ price: 1, size: 2 }] } },
  { text: 'e\u0301 😀 \u2028' },
  new Date(0),
  rawJson('{"bid":"64000.10"}'),
  'x'.repeat(400),
]

/** Makes what calls are given: mostly what is meant to be, in whatever shape, and now and then with something wrong in it. */
export class Arguments {
  readonly #dice: Dice
  readonly #menagerie: Menagerie
  readonly #mischief: Mischief
  readonly #names: Names
  readonly #streams: StreamCatalogue

  constructor(dice: Dice, menagerie: Menagerie, mischief: Mischief, names: Names, streams: StreamCatalogue) {
    this.#dice = dice
    this.#menagerie = menagerie
    this.#mischief = mischief
    this.#names = names
    this.#streams = streams
  }

  /** A message as `publish` takes it. */
  message(): Wrapped {
    const streamType = this.#names.streamType()
    return this.#object({ ...this.#stream(streamType), data: this.data(), ...this.#timestamp(), userId: this.#recipient(streamType) })
  }

  /** A message whose recipient is named beside it: mostly not again in the message itself. */
  addressedMessage(): Wrapped {
    const streamType = this.#names.streamType()
    const userId = this.#dice.chance(0.05) ? this.#names.userId() : undefined
    return this.#object({ ...this.#stream(streamType), data: this.data(), ...this.#timestamp(), userId })
  }

  /** A message for everybody. */
  publicMessage(): Wrapped {
    const isPublic = (name: string): boolean => this.#streams[name]?.audience === 'public'
    const streamType = this.#dice.chance(0.9) ? this.#dice.pick(this.#names.streamTypes.filter(isPublic)) : this.#names.streamType()
    return this.#object({ ...this.#stream(streamType), data: this.data(), ...this.#timestamp() })
  }

  /** What a user asks for. */
  request(): Wrapped {
    return this.#object({ userId: this.#names.userId(), ...this.#wish() })
  }

  /** What a connection of this user asks for: it may say whose it is. */
  ownRequest(ownUserId: string): Wrapped {
    const dice = this.#dice
    if (dice.chance(0.7)) return this.#object(this.#wish())
    return this.#object({ userId: dice.chance(0.9) ? ownUserId : this.#names.userId(), ...this.#wish() })
  }

  /** A request with a field that there is not; a `constructor` is left out, since what inherits one is of a class. */
  misspelt(): Wrapped {
    const field = this.#dice.pick(['simbol', 'filter', 'Symbol', 'user_id', '__proto__', 'toString', ''])
    return wrapped({ userId: this.#names.userId(), ...this.#wish(), [field]: this.#menagerie.value() }, this.#dice, this.#mischief)
  }

  /** What names a subscription that there may be. */
  reference(): Wrapped {
    return this.#object({ userId: this.#names.userId(), ...this.#stream(this.#names.streamType()) })
  }

  /** A stream whose source is named: a private one with its user. */
  source(): Wrapped {
    const streamType = this.#names.streamType()
    return this.#object({ ...this.#stream(streamType), userId: this.#recipient(streamType) })
  }

  /** What is to be revoked; rarely more than one user's. */
  revocation(): Wrapped {
    const stream = this.#stream(this.#names.streamType())
    const userId = this.#dice.chance(0.95) ? this.#names.userId() : undefined
    return this.#object(this.#dice.chance(0.1) ? { userId, streamType: undefined, symbol: undefined } : { userId, ...stream })
  }

  data(): unknown {
    return this.#dice.chance(0.9) ? this.#dice.pick(DATA) : this.#menagerie.value()
  }

  #object(fields: Fields): Wrapped {
    const dice = this.#dice
    if (dice.chance(SHARE_OF_WRONG_FIELDS)) return wrapped({ ...fields, [dice.pick(Object.keys(fields))]: this.#menagerie.value() }, dice, this.#mischief)
    if (dice.chance(0.01)) return { value: this.#menagerie.value(), readTwice: () => [] }
    return wrapped(fields, dice, this.#mischief)
  }

  #wish(): Fields {
    return { ...this.#stream(this.#names.streamType()), filters: this.#filters() }
  }

  #stream(streamType: unknown): { streamType: unknown; symbol: unknown } {
    return { streamType, symbol: this.#symbolFor(streamType) }
  }

  #symbolFor(streamType: unknown): unknown {
    const dice = this.#dice
    const rule = this.#ruleOf(streamType)
    if (rule === 'required' || dice.chance(SHARE_OF_WRONG_FIELDS)) return this.#names.symbol()
    if (rule === 'optional' && dice.chance(0.7)) return this.#names.symbol()
    return dice.chance(0.5) ? undefined : null
  }

  #ruleOf(streamType: unknown): unknown {
    const definition = this.#definitionOf(streamType)
    return definition?.symbol ?? (definition?.audience === 'private' ? 'optional' : 'required')
  }

  #definitionOf(streamType: unknown): StreamCatalogue[string] | undefined {
    return typeof streamType === 'string' && Object.hasOwn(this.#streams, streamType) ? this.#streams[streamType] : undefined
  }

  #recipient(streamType: unknown): unknown {
    const isPrivate = this.#definitionOf(streamType)?.audience === 'private'
    if (isPrivate !== this.#dice.chance(SHARE_OF_WRONG_FIELDS)) return this.#names.userId()
    return this.#dice.chance(0.5) ? undefined : null
  }

  #timestamp(): Fields {
    const dice = this.#dice
    if (dice.chance(0.7)) return {}
    return { timestamp: dice.chance(0.8) ? new Date(dice.below(2 ** 41)) : this.#menagerie.value() }
  }

  #filters(): unknown {
    const dice = this.#dice
    if (dice.chance(0.6)) return dice.chance(0.5) ? undefined : null
    if (dice.chance(0.1)) return { text: 'x'.repeat(dice.below(200)), nested: { value: this.#menagerie.value() } }
    return dice.chance(0.8) ? { depth: dice.below(3), ['__proto__']: 'a filter' } : this.#menagerie.value()
  }
}
