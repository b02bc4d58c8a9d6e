/** nginx sending files: a yardstick for what a server can do on core 0. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { pinned } from './server.ts'

/** One worker on the core the executable under test has. Undefined where nginx is not installed. */
export async function startNginx(root: string): Promise<({ readonly url: string } & AsyncDisposable) | undefined> {
  const nginx = Bun.which('nginx') ?? (Bun.file('/usr/sbin/nginx').size > 0 ? '/usr/sbin/nginx' : undefined)
  if (!nginx) return undefined
  const folder = mkdtempSync(join(tmpdir(), 'wkconnect-nginx-'))
  const port = 20_000 + Math.floor(Math.random() * 20_000)
  const configuration = `daemon off; master_process off; worker_processes 1; pid ${folder}/pid; error_log ${folder}/error;
events { worker_connections 256; }
http { access_log off; sendfile on; tcp_nopush on; keepalive_requests 1000000; open_file_cache max=10; client_body_temp_path ${folder}/b; proxy_temp_path ${folder}/p; fastcgi_temp_path ${folder}/f; uwsgi_temp_path ${folder}/u; scgi_temp_path ${folder}/s;
  server { listen 127.0.0.1:${port}; root ${root}; } }`
  writeFileSync(join(folder, 'nginx.conf'), configuration)
  const child = Bun.spawn(pinned(0, [nginx, '-c', join(folder, 'nginx.conf'), '-p', folder]), { stdout: 'ignore', stderr: 'ignore' })
  await Bun.sleep(300)
  return {
    url: `http://127.0.0.1:${port}`,
    async [Symbol.asyncDispose]() {
      child.kill()
      await child.exited
      rmSync(folder, { recursive: true, force: true })
    },
  }
}
