import type { Dice } from '../../support/dice.ts'

/** What happens, and how long until the next. Numbers are taken modulo what there is. */
export type Action = { readonly thenMs: number } & (
  | { readonly kind: 'publish'; readonly node: number; readonly stream: number; readonly count: number }
  | { readonly kind: 'connect'; readonly client: number; readonly node: number }
  | { readonly kind: 'leave'; readonly client: number }
  | { readonly kind: 'want' | 'unwant'; readonly client: number; readonly stream: number }
  | { readonly kind: 'cut'; readonly node: number; readonly forMs: number }
  | { readonly kind: 'restartBroker' | 'stick'; readonly forMs: number }
  | { readonly kind: 'kill' | 'stop'; readonly node: number }
  | { readonly kind: 'revoke'; readonly node: number; readonly client: number; readonly stream: number }
  | { readonly kind: 'remove'; readonly node: number; readonly client: number }
  | { readonly kind: 'slow'; readonly client: number; readonly forMs: number }
)

/** Returns the schedule of a seed. Fewer actions of a seed are the first of more. */
export function scheduleOf(dice: Dice, count: number): Action[] {
  return Array.from({ length: count }, () => actionOf(dice))
}

function actionOf(dice: Dice): Action {
  const thenMs = dice.pick([0, 0, 1, 5, 20, 100, 600, 2_500])
  const [node, client, stream] = [dice.below(16), dice.below(16), dice.below(16)]
  const chance = dice.below(100)
  if (chance < 46) return { kind: 'publish', node, stream, count: 1 + dice.below(dice.chance(0.1) ? 30 : 3), thenMs }
  if (chance < 47) return { kind: 'revoke', node, client, stream, thenMs }
  if (chance < 48) return { kind: 'remove', node, client, thenMs }
  if (chance < 50) return { kind: 'slow', client, forMs: 50 + dice.below(3_000), thenMs }
  if (chance < 68) return { kind: 'connect', client, node, thenMs }
  if (chance < 72) return { kind: 'leave', client, thenMs }
  if (chance < 86) return { kind: 'want', client, stream, thenMs }
  if (chance < 90) return { kind: 'unwant', client, stream, thenMs }
  if (chance < 95) return { kind: 'cut', node, forMs: 50 + dice.below(4_000), thenMs }
  if (chance < 97) return { kind: 'restartBroker', forMs: 50 + dice.below(4_000), thenMs }
  if (chance < 98) return { kind: 'stick', forMs: 50 + dice.below(6_000), thenMs }
  return { kind: dice.chance(0.5) ? 'kill' : 'stop', node, thenMs }
}
