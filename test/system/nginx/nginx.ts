import { execFile, spawn, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { connect, createServer, type AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { selfSigned } from '../ws/certificate.js'
import { configOf, type ConfigChanges } from './guide-config.ts'
import { until } from './until.ts'

const PROGRAM = '/usr/sbin/nginx'

type Settings = Pick<ConfigChanges, 'serverPort' | 'readTimeoutSeconds' | 'buffering'>

/** A real nginx with the config of the guide, in a folder of its own. */
export class Nginx {
  readonly port: number
  /** The certificate that clients have to trust. */
  readonly certificate: string
  readonly #folder: string
  readonly #process: ChildProcess
  readonly #settings: Settings

  /** Starts nginx in front of a server. Settles when nginx accepts connections. */
  static async start(settings: Settings): Promise<Nginx> {
    const folder = mkdtempSync(join(tmpdir(), 'nginx-'))
    const { key, cert } = selfSigned()
    writeFileSync(join(folder, 'key.pem'), key, { mode: 0o600 })
    writeFileSync(join(folder, 'certificate.pem'), cert)
    const nginx = new Nginx(folder, await freePort(), cert, settings)
    await nginx.#listening()
    return nginx
  }

  private constructor(folder: string, port: number, certificate: string, settings: Settings) {
    this.#folder = folder
    this.port = port
    this.certificate = certificate
    this.#settings = settings
    this.#configure(settings.serverPort)
    this.#process = spawn(PROGRAM, this.#arguments, { stdio: ['ignore', 'ignore', 'inherit'] })
    // SIGKILL would leave the workers of nginx behind.
    process.once('exit', () => this.#process.kill('SIGTERM'))
  }

  /** Sends new connections to another server, as a deploy does. The old workers of nginx keep theirs. */
  async pointAt(serverPort: number): Promise<void> {
    this.#configure(serverPort)
    await promisify(execFile)(PROGRAM, [...this.#arguments, '-s', 'reload'])
  }

  /** Returns what nginx has logged. */
  get log(): string {
    return readFileSync(join(this.#folder, 'error.log'), 'utf8')
  }

  async stop(): Promise<void> {
    if (this.#process.exitCode === null) {
      const gone = once(this.#process, 'exit')
      this.#process.kill('SIGTERM')
      await gone
    }
    rmSync(this.#folder, { recursive: true })
  }

  get #arguments(): string[] {
    return ['-p', this.#folder, '-e', join(this.#folder, 'error.log'), '-c', join(this.#folder, 'nginx.conf')]
  }

  #configure(serverPort: number): void {
    const [certificateFile, keyFile] = [join(this.#folder, 'certificate.pem'), join(this.#folder, 'key.pem')]
    const config = configOf({ ...this.#settings, serverPort, port: this.port, certificateFile, keyFile, folder: this.#folder })
    writeFileSync(join(this.#folder, 'nginx.conf'), config)
  }

  async #listening(): Promise<void> {
    await until(async () => {
      if (this.#process.exitCode !== null) throw new Error(`nginx has ended:\n${this.log}`)
      return isOpen(this.port)
    })
  }
}

async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address() as AddressInfo
  server.close()
  await once(server, 'close')
  return port
}

async function isOpen(port: number): Promise<boolean> {
  const socket = connect(port, '127.0.0.1')
  try {
    await once(socket, 'connect')
    return true
  } catch {
    return false
  } finally {
    socket.destroy()
  }
}
