import { type Dice } from '../../../support/dice.ts'
import { Lottery } from '../lottery.ts'
import { boom, type Mischief } from './menagerie.ts'

/** The fields of an argument, as they are meant. */
export type Fields = Readonly<Record<string, unknown>>

/** Fields that were wrapped in an object: what is handed over, and how often each field was read. */
export interface Wrapped {
  readonly value: unknown
  /** What the library said it does once, and did twice; empty where it is not counted. */
  readTwice(): string[]
}

type Wrapper = (fields: Fields, dice: Dice, mischief: Mischief) => Wrapped

const NOTHING = (): string[] => []

function uncounted(value: unknown): Wrapped {
  return { value, readTwice: NOTHING }
}

/** Every field a getter, which may do something besides. */
function withGetters(fields: Fields, target: object, onRead: (name: string, times: number) => unknown): Wrapped {
  const reads = new Map<string, number>()
  for (const name of Object.keys(fields)) {
    const get = (): unknown => {
      const times = (reads.get(name) ?? 0) + 1
      reads.set(name, times)
      return onRead(name, times)
    }
    Object.defineProperty(target, name, { get, enumerable: true, configurable: true })
  }
  return { value: target, readTwice: () => [...reads].filter(([, times]) => times > 1).map(([name]) => name) }
}

/** Says something else at the second reading: whoever validates the one and uses the other is found out. */
const fickle: Wrapper = (fields) => withGetters(fields, {}, (name, times) => (times === 1 ? fields[name] : 'answered otherwise'))

const reentrant: Wrapper = (fields, dice, { reenter }) => {
  const trap = dice.pick(Object.keys(fields))
  return withGetters(fields, {}, (name) => (name === trap && reenter(), fields[name]))
}

const throwing: Wrapper = (fields, dice) => {
  const trap = dice.pick(Object.keys(fields))
  return withGetters(fields, {}, (name) => (name === trap ? boom() : fields[name]))
}

const proxied: Wrapper = (fields) => uncounted(new Proxy(fields, {}))

const proxyThatThrows: Wrapper = (fields, dice) => {
  const trap = dice.pick(Object.keys(fields))
  return uncounted(new Proxy(fields, { get: (target, key) => (key === trap ? boom() : Reflect.get(target, key)) }))
}

const WRAPPERS = new Lottery<Wrapper>([
  [(fields) => uncounted(fields), 60],
  [(fields) => uncounted(Object.freeze({ ...fields })), 4],
  [(fields) => uncounted(Object.assign(Object.create(null) as object, fields)), 4],
  [(fields) => uncounted(Object.create(fields)), 4],
  [(fields) => uncounted(Object.assign([], fields)), 1],
  [(fields) => uncounted(Object.assign(() => {}, fields)), 0.3],
  [(fields, dice) => uncounted({ ...fields, [dice.pick(['extra', 'constructor', 'toString', 'then', 'toJSON', 'type'])]: boom }), 4],
  [(fields) => uncounted({ ...fields, ['__proto__']: { isAdmin: true } }), 2],
  [fickle, 6],
  [reentrant, 4],
  [proxied, 3],
  [throwing, 1],
  [proxyThatThrows, 1],
])

/** Puts the fields of an argument into one of the many objects that they can come in. */
export function wrapped(fields: Fields, dice: Dice, mischief: Mischief): Wrapped {
  return WRAPPERS.draw(dice)(fields, dice, mischief)
}
