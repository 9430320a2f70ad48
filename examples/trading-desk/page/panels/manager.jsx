import { formatCount } from '../format.js'
import { Figure } from './figure.jsx'
import { Panel } from './panel.jsx'

/** @import { Figures } from '../../streams.js' */
/** @import { Desk } from '../desk.js' */

/** What becomes of a message: the library's word for it, and what it means. @type {readonly [keyof Figures, string][]} */
const ENDS = [
  ['sent', 'handed to a line'],
  ['waiting', 'waiting right now'],
  ['conflated', 'replaced by a newer one'],
  ['dropped', 'given up, and told'],
  ['purged', 'nobody wanted it any more'],
  ['failed', 'refused by a line'],
  ['skipped', 'ended before its turn'],
]

/** @param {{ desk: Desk }} props */
export function ManagerPanel({ desk: { user, figures, link, tabs } }) {
  const { connections: own = [], subscriptions } = tabs.get(link.node ?? '') ?? {}
  return (
    <Panel id="manager" title="What the manager knows" help={<Help />}>
      <table class="who">
        <thead>
          <tr>
            <th scope="col"><span class="unseen">What</span></th>
            <th scope="col" class="number">{user}</th>
            <th scope="col" class="number">All</th>
          </tr>
        </thead>
        <tbody>
          <Count name="Connections" own={own.length} all={figures?.connections} />
          <Count name="Behind" own={own.filter(({ behind }) => behind).length} all={figures?.connectionsBehind} />
          <Count name="Subscriptions" own={subscriptions} all={figures?.subscriptions} />
          <Count name="Users" all={figures?.users} />
          <Count name="Streams heard" all={figures?.streams} />
        </tbody>
      </table>
      <dl>
        <Figure name={<><code>matched</code> to be delivered</>}>{formatCount(figures?.matched)}</Figure>
        {ENDS.map(([key, words]) => (
          <Figure key={key} name={<><code>{key}</code> {words}</>}>{formatCount(figures?.[key])}</Figure>
        ))}
        <Figure name="Adds up">{figures === undefined ? '–' : addsUp(figures) ? 'yes' : 'no'}</Figure>
      </dl>
      <dl>
        <Figure name="Characters that wait">{formatCount(figures?.waitingBytes)}</Figure>
        <Figure name="The most for one tab">{formatCount(figures?.mostWaitingBytes)}</Figure>
        <Figure name="Gap notices">{formatCount(figures?.gaps)}</Figure>
      </dl>
    </Panel>
  )
}

/** @param {{ name: string, own?: number | undefined, all: number | undefined }} props */
function Count({ name, own, all }) {
  return (
    <tr>
      <th scope="row">{name}</th>
      <td class="number">{own === undefined ? '' : formatCount(own)}</td>
      <td class="number">{formatCount(all)}</td>
    </tr>
  )
}

/** @param {Figures} figures */
function addsUp(figures) {
  return figures.matched === ENDS.reduce((sum, [key]) => sum + figures[key], 0)
}

function Help() {
  return (
    <>
      <p>
        The library’s own accounts, twice a second, by a stream like any other. A message that three tabs are to get counts three
        times. Each node has a manager of its own: these are the accounts of the one that serves this tab.
      </p>
      <p>
        Every one of them ends in one of seven ways, and at any moment the seven add up to what was to be delivered: nothing is lost
        in silence.
      </p>
    </>
  )
}
