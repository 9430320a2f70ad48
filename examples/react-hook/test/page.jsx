import { StrictMode, useState } from 'react'
import { createRoot } from 'react-dom/client'
// In a project of your own: 'stream-connection-manager/client'
import { createClient } from '../../../dist/client.js'
import { useStream } from '../use-stream.js'

const client = createClient({ connect: () => new WebSocket(location.origin.replace('http', 'ws')) })

function Price({ symbol }) {
  const { data } = useStream(client, 'PRICE', symbol)
  return <output>{`${symbol} ${data ?? '–'}`}</output>
}

function Page() {
  const [symbol, setSymbol] = useState('A')
  const [isOpen, setIsOpen] = useState(true)
  return (
    <>
      {isOpen && <Price symbol={symbol} />}
      <button onClick={() => setSymbol('B')}>other symbol</button>
      <button onClick={() => setIsOpen(false)}>close</button>
    </>
  )
}

createRoot(document.body.appendChild(document.createElement('main'))).render(<StrictMode><Page /></StrictMode>)
