import { BookPanel } from './panels/book.jsx'
import { ChartPanel } from './panels/chart.jsx'
import { ConnectionsPanel } from './panels/connections.jsx'
import { ManagerPanel } from './panels/manager.jsx'
import { Masthead } from './panels/masthead.jsx'
import { MetricsPanel } from './panels/metrics.jsx'
import { OrdersPanel } from './panels/orders.jsx'
import { TapePanel } from './panels/tape.jsx'
import { TabPanel } from './panels/tab.jsx'
import { WatchPanel } from './panels/watch.jsx'

/** @import { Desk } from './desk.js' */
/** @import { DeskClient } from '../streams.js' */

/** @param {{ desk: Desk, client: DeskClient }} props */
export function App({ desk, client }) {
  const { link } = desk
  return (
    <>
      <Masthead desk={desk} client={client} />
      <main class={link.state === 'connected' && !link.isStale ? 'desk' : 'desk old'}>
        <WatchPanel desk={desk} />
        <ChartPanel desk={desk} />
        <TabPanel desk={desk} />
        <OrdersPanel desk={desk} />
        <BookPanel desk={desk} />
        <TapePanel desk={desk} />
        <ConnectionsPanel desk={desk} />
        <ManagerPanel desk={desk} />
        <MetricsPanel desk={desk} />
      </main>
      <footer>
        <p>A practice market: nothing here is for sale. Signing in is a stand-in, which takes your word for who you are.</p>
        <p>
          Charts by <a href="https://www.tradingview.com/">TradingView</a> Lightweight Charts™, Copyright © 2025 TradingView, Inc.
        </p>
      </footer>
    </>
  )
}
