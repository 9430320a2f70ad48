import { build } from 'esbuild'
import { remoteManager, type Answer, type ServedElsewhere } from './calls.ts'
import { Child } from './child.ts'
import { FOLDER, programOf } from './programs.ts'

const WORKERD = ['to-end-of-input.js', programOf('workerd'), 'serve', 'workers.capnp', '--control-fd=3']

/** Makes one module of the Worker, as for a deployment: `workers.capnp` names it. */
export async function bundleWorker(): Promise<void> {
  await build({
    absWorkingDir: FOLDER,
    entryPoints: ['inside/workers-host.ts'],
    outfile: 'dist/workers-host.js',
    bundle: true,
    format: 'esm',
    target: 'es2022',
    external: ['cloudflare:workers'],
    logLevel: 'warning',
  })
}

/** Starts the Worker. It has no standard input: a call of its manager is a request. */
export async function startWorkerd(): Promise<ServedElsewhere> {
  const child = new Child(process.execPath, WORKERD, { stdio: ['pipe', 'inherit', 'inherit', 'pipe'], outputFd: 3 })
  const { port } = JSON.parse(await child.nextLine()) as { readonly port: number }
  return {
    manager: remoteManager(async (call) => (await post(port, '/call', call)) as Answer),
    port,
    stop: () => child.end(),
  }
}

/** Asks the Worker something, and returns the answer. */
export async function post(port: number, path: string, body?: unknown): Promise<unknown> {
  const response = await fetch(`http://127.0.0.1:${port}${path}`, { method: 'POST', body: JSON.stringify(body) ?? null })
  return response.json()
}
