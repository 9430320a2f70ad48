import { formatSeconds } from '../format.js'
import { Panel } from './panel.jsx'

/** @import { ConnectionFacts } from '../../streams.js' */
/** @import { Desk } from '../desk.js' */

/** @param {{ desk: Desk }} props */
export function ConnectionsPanel({ desk }) {
  const { connections, link, nodes, shared } = desk
  return (
    <Panel id="connections" title={`Tabs of ${desk.user}`} help={<Help user={desk.user} />}>
      <p class="shared"><b>All tabs</b> <Symbols symbols={shared} /></p>
      {/* What scrolls can be scrolled by key as well. */}
      <div class="list" tabindex={0} role="region" aria-label="List of tabs">
        <ul>
          {connections.map((facts) => (
            <ConnectionRow key={facts.id} facts={facts} isThis={facts.id === link.connection} node={nodes.length > 1 ? facts.node : undefined} />
          ))}
        </ul>
      </div>
    </Panel>
  )
}

/** @param {{ facts: ConnectionFacts, isThis: boolean, node: string | undefined }} props */
function ConnectionRow({ facts: { id, symbols, slow, behind, pongAtMs }, isThis, node }) {
  return (
    <li>
      <span><b>{isThis ? 'This tab' : 'Another tab'}</b> <code>{id.slice(0, 8)}</code>{node && ` on node ${node}`}</span>
      <span class={behind ? 'state telling' : 'state'}>{slow ? 'slow line, ' : ''}{behind ? 'behind' : 'keeps up'}</span>
      <Symbols symbols={symbols} />
      <span class="beat">{pongAtMs === undefined ? 'no ping answered yet' : `answered a ping ${formatSeconds(Date.now() - pongAtMs)} ago`}</span>
    </li>
  )
}

/** @param {{ symbols: readonly string[] }} props */
function Symbols({ symbols }) {
  return <span class="symbols">{symbols.length === 0 ? 'nothing picked' : symbols.join(', ')}</span>
}

/** @param {{ user: string }} props */
function Help({ user }) {
  return (
    <>
      <p>
        Each tab of {user} is a connection of its own. Here stands what {user} picked for all of them, and what each is subscribed to:
        that, and what it picked for itself.
      </p>
      <p>
        The server pings each tab every ten seconds, and the browser answers by itself. A tab that leaves two pings without an answer
        is taken for dead, and its connection ends. The page cannot see pings: the server tells it when the last answer came.
      </p>
      <p>Close a tab, and its line is gone at once, with all that it listened to.</p>
    </>
  )
}
