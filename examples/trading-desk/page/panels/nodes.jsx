import { formatCount, formatDelay } from '../format.js'

/** @import { NodeFacts } from '../../streams.js' */
/** @import { Desk } from '../desk.js' */
/** @import { Move } from '../link.js' */

/** A node that is stopped says goodbye to its tabs; one that is killed does not. */
const ENDINGS = /** @type {const} */ ([['stop', 'Stop'], ['kill', 'Kill']])

/**
 * The nodes that serve the desk, and what came of the latest connection that was lost.
 *
 * @param {{ desk: Desk }} props
 */
export function NodesBar({ desk }) {
  const { nodes, link: { move } } = desk
  return (
    <section class="nodes" aria-label="Nodes">
      <ul>{nodes.map((facts) => <Node key={facts.name} desk={desk} facts={facts} />)}</ul>
      <p role="status">{move ? describe(move) : null}</p>
    </section>
  )
}

/** @param {{ desk: Desk, facts: NodeFacts }} props */
function Node({ desk, facts: { name, isUp, drain } }) {
  const state = desk.link.node === name ? 'serves this tab' : 'is up'
  return (
    <li>
      <b>Node {name}</b> <span>{isUp ? state : 'is down, and comes back'}</span>
      {drain && <progress max={drain.of} value={drain.of - drain.left} aria-label={`Drain of node ${name}`} />}
      {drain && <span>drains: {drain.left} of {drain.of} connections left</span>}
      {desk.nodes.length > 1 && ENDINGS.map(([ending, word]) => (
        <button key={ending} type="button" disabled={!isUp || (drain && ending === 'stop')} aria-label={`${word} node ${name}`} onClick={() => desk.endNode(name, ending)}>{word}</button>
      ))}
    </li>
  )
}

/** @param {Move} move */
function describe({ from, to, reason, awayMs, resumed, replayed, gaps }) {
  const where = from === to ? `Reconnected to node ${to}` : `Moved from node ${from} to node ${to}`
  const what = `${counted(resumed, 'stream')} resumed, ${counted(replayed, 'message')} replayed, ${gaps === 0 ? 'no gap' : counted(gaps, 'gap')}`
  return `${where} after ${formatDelay(awayMs)}${reason ? ` (${reason})` : ''}: ${what}.`
}

/**
 * @param {number} count
 * @param {string} noun
 */
function counted(count, noun) {
  return `${formatCount(count)} ${noun}${count === 1 ? '' : 's'}`
}
