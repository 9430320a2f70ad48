import type { StreamCatalogue } from '../../../../src/index.ts'
import type { Dice } from '../../../support/dice.ts'
import { HOSTILE_IDS } from '../../../support/hostile.ts'
import type { Menagerie } from './menagerie.ts'

const USERS = 24
const CONNECTIONS = 60
const SYMBOLS = 8
/** How often a name is what nobody may be called, or something that is no name at all. */
const SHARE_OF_NONSENSE = 0.03
const SHARE_OF_STRANGERS = 0.02

/** A few names, half of them hostile, so that calls meet; and now and then something else. */
function poolOf(size: number, kind: string, dice: Dice): readonly string[] {
  const hostile = Array.from({ length: size / 2 }, () => dice.pick(HOSTILE_IDS))
  return [...new Set([...hostile, ...Array.from({ length: size / 2 }, (_, i) => `${kind}${i}`)])]
}

/** The names that one manager's life is about. */
export class Names {
  readonly users: readonly string[]
  readonly connections: readonly string[]
  readonly symbols: readonly string[]
  readonly streamTypes: readonly string[]
  readonly #dice: Dice
  readonly #menagerie: Menagerie

  constructor(dice: Dice, menagerie: Menagerie, streams: StreamCatalogue) {
    this.#dice = dice
    this.#menagerie = menagerie
    this.users = poolOf(USERS, 'user', dice)
    this.connections = poolOf(CONNECTIONS, 'connection', dice)
    this.symbols = poolOf(SYMBOLS, 'symbol', dice)
    this.streamTypes = Object.keys(streams)
  }

  userId(): unknown {
    return this.#oneOf(this.users)
  }

  connectionId(): unknown {
    return this.#oneOf(this.connections)
  }

  symbol(): unknown {
    return this.#oneOf(this.symbols)
  }

  streamType(): unknown {
    return this.#oneOf(this.streamTypes)
  }

  #oneOf(pool: readonly string[]): unknown {
    const dice = this.#dice
    if (dice.chance(SHARE_OF_NONSENSE)) return this.#menagerie.value()
    return dice.chance(SHARE_OF_STRANGERS) ? dice.pick(HOSTILE_IDS) : dice.pick(pool)
  }
}
