/** How to put https in front of this server, for those whose webKnossos has it: browsers load nothing by http into an https page. */
export interface ProxyTarget {
  /** Name browsers use. */
  readonly host: string
  /** Where this server listens, seen from the proxy. */
  readonly target: string
}

export const nginxSnippet = ({ host, target }: ProxyTarget): string => `server {
    listen 443 ssl;
    server_name ${host};
    ssl_certificate     /etc/letsencrypt/live/${host}/fullchain.pem;
    ssl_certificate_key /etc/letsencrypt/live/${host}/privkey.pem;
    client_max_body_size 0;
    location / {
        proxy_pass ${target};
        proxy_http_version 1.1;
        proxy_set_header Host $host;
        proxy_set_header Connection "";
        proxy_buffering off;
        proxy_read_timeout 120s;
    }
}`

export const caddySnippet = ({ host, target }: ProxyTarget): string => `${host} {
    reverse_proxy ${target}
}`
