import type { AuthorizationRequest, Clock, ConnectionManagerOptions, DeliveryOptions, QuotaOptions, Socket, StreamCatalogue } from '../../../../src/index.ts'
import type { Dice } from '../../../support/dice.ts'
import { CATALOGUES } from './catalogues.ts'
import { boom, Nuisance, type Menagerie } from './menagerie.ts'
import type { SocketCompany } from './sockets.ts'
import { someTransport } from './transports.ts'

type Options = ConnectionManagerOptions<Socket, StreamCatalogue>

/** The ceilings that a manager's state is held against. */
export type Ceilings = { readonly [TName in Exclude<keyof QuotaOptions, 'messageUnits' | 'subscriptionsPerConnection' | 'filterUnits' | 'idleStreams'>]-?: number }

/** Options that a manager accepts, and what follows from them. */
export interface Setting {
  readonly options: Options
  readonly streams: StreamCatalogue
  readonly ceilings: Ceilings
}

const DEFAULT_CEILINGS: Ceilings = { connections: Infinity, connectionsPerUser: 100, subscriptionsPerUser: 1_000, pendingUsers: 10_000 }

const QUOTAS: readonly (Partial<Record<keyof QuotaOptions, number>> | undefined)[] = [
  undefined,
  undefined,
  { connections: 20, connectionsPerUser: 4, subscriptionsPerUser: 20, subscriptionsPerConnection: 8, messageUnits: 450, pendingUsers: 4, idleStreams: 3, filterUnits: 100 },
  { connections: 30, pendingUsers: 0, idleStreams: 0 },
  { connectionsPerUser: Infinity, subscriptionsPerUser: Infinity, messageUnits: Infinity, filterUnits: Infinity },
]

const LIMITS: readonly (DeliveryOptions | undefined)[] = [
  undefined,
  {},
  { softLimitBytes: 40, hardLimitBytes: 1_500, drainIntervalMs: 10 },
  { softLimitBytes: 0, hardLimitBytes: 0 },
  { softLimitBytes: 900, hardLimitBytes: 4_000, drainIntervalMs: Infinity },
  { softLimitBytes: 40, hardLimitBytes: 4_000, maxLagMs: 60 },
  { softLimitBytes: 40, maxLagMs: 0 },
  { softLimitBytes: 40, hardLimitBytes: Infinity, maxLagMs: Infinity },
]

/** Options as somebody gives them who means well, with hooks of his own that do not. */
export function someSetting(company: SocketCompany, clock: Clock): Setting {
  const { dice } = company
  const streams = dice.pick(CATALOGUES)
  const quotas = dice.pick(QUOTAS)
  const options: Options = {
    streams,
    clock,
    quotas,
    authorize: dice.chance(0.4) ? authorizer(company) : undefined,
    serialize: dice.chance(0.25) ? serializer(company) : undefined,
    serializeNotice: dice.chance(0.15) ? noticeSerializer(company) : undefined,
    recorder: dice.chance(0.3) ? recorder(company) : undefined,
    transport: dice.chance(0.4) ? someTransport(company) : undefined,
    delivery: dice.pick(LIMITS),
    pendingTtlMs: dice.pick([undefined, 0, 100, Infinity, Infinity]),
    closeTimeoutMs: dice.pick([undefined, 0, 100, Infinity]),
    idleDelayMs: dice.pick([undefined, 0, 100, Infinity]),
    maxDeferred: dice.pick([undefined, 0, 3, 100, Infinity]),
  }
  return { options, streams, ceilings: { ...DEFAULT_CEILINGS, ...quotas } }
}

function authorizer({ dice, reenter }: SocketCompany): (request: AuthorizationRequest<Socket, StreamCatalogue>) => boolean {
  const refusals: readonly (() => unknown)[] = [
    () => false,
    () => undefined,
    () => 'true',
    () => 1,
    () => Promise.resolve(true),
    () => Promise.reject(new Nuisance('authorize rejects')),
    () => ({ then: boom }),
    boom,
  ]
  return (request) => {
    if (dice.chance(0.02)) reenter()
    if (dice.chance(0.005)) void request.connection?.remove()
    if (dice.chance(0.02)) Reflect.set(request, 'userId', 'somebody else')
    return dice.chance(0.06) ? (dice.pick(refusals)() as boolean) : true
  }
}

function serializer({ dice, reenter }: SocketCompany): NonNullable<Options['serialize']> {
  const failures: readonly (() => unknown)[] = [
    boom,
    () => undefined,
    () => 7,
    () => Object('text'),
    () => Promise.reject(new Nuisance('serialize rejects')),
    () => ({ then: boom }),
  ]
  return (message) => {
    if (dice.chance(0.02)) reenter()
    message.timestamp?.setTime(NaN)
    return dice.chance(0.04) ? (dice.pick(failures)() as string) : `${message.streamType}/${message.symbol}/${message.userId}`
  }
}

function noticeSerializer(company: SocketCompany): NonNullable<Options['serializeNotice']> {
  const { dice, reenter } = company
  return (notice) => {
    if (dice.chance(0.05)) reenter()
    if (dice.chance(0.05)) boom()
    return dice.chance(0.05) ? (7 as unknown as string) : `${notice.type} ${notice.streamType}`
  }
}

function recorder({ dice, reenter }: SocketCompany): NonNullable<Options['recorder']> {
  const answer = (text: string): string => {
    if (dice.chance(0.05)) reenter()
    if (dice.chance(0.03)) boom()
    return dice.chance(0.03) ? (undefined as unknown as string) : `${text} recorded`
  }
  return { attach() {}, record: (_message, text) => answer(text), ...(dice.chance(0.5) && { skip: (_message: unknown, text: string) => answer(text) }) }
}

const OPTION_NAMES = [
  'recorder', 'serializeNotice',
  'streams', 'clock', 'quotas', 'authorize', 'serialize', 'transport', 'delivery', 'pendingTtlMs', 'closeTimeoutMs', 'idleDelayMs', 'maxDeferred', 'no such option',
] as const

/** Options with something wrong in them, mostly. */
export function hostileOptions(setting: Setting, dice: Dice, menagerie: Menagerie): unknown {
  const { options } = setting
  const name = dice.pick(OPTION_NAMES)
  const value = menagerie.value()
  switch (dice.below(8)) {
    case 0: return options
    case 1: return value
    case 2: return { ...options, delivery: { [dice.pick(['softLimitBytes', 'hardLimitBytes', 'drainIntervalMs', 'maxLagMs', 'maxLagMs', 'else'])]: value } }
    case 3: return { ...options, quotas: { [dice.pick(['connections', 'messageUnits', 'pendingUsers', 'idleStreams', 'filterUnits', 'else'])]: value } }
    case 4: return Object.defineProperty({ ...options }, name, { enumerable: true, get: boom })
    case 5: return { ...options, delivery: Object.assign(dice.pick([[], new Map(), Object.create({}), Object.create(null)]) as object, { softLimitBytes: 7 }) }
    case 6: return Object.create(options) as object
    default: return { ...options, [name]: value }
  }
}
