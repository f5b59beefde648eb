/** The part of `midtrans-client` 1.4.3 that the adapter uses; the package ships no types. */
declare module 'midtrans-client' {
  type Request = { url: string; signal?: AbortSignal };

  type HttpClient = {
    defaults: {
      maxRedirects: number;
      maxContentLength: number;
      proxy: false;
      headers: { common: Record<string, string> };
    };
    interceptors: { request: { use(change: (request: Request) => Request): void } };
  };

  class Snap {
    constructor(options: { isProduction: boolean; serverKey: string });
    readonly apiConfig: { getSnapApiBaseUrl(): string; getCoreApiBaseUrl(): string };
    readonly httpClient: {
      readonly http_client: HttpClient;
      request(method: 'post', serverKey: string, url: string, body?: object): Promise<unknown>;
    };
    readonly transaction: {
      status(id: string): Promise<unknown>;
      statusb2b(id: string): Promise<unknown>;
      expire(id: string): Promise<unknown>;
      cancel(id: string): Promise<unknown>;
      refund(id: string, body: object): Promise<unknown>;
    };
    createTransaction(parameter: object): Promise<unknown>;
  }

  const midtransClient: { readonly Snap: typeof Snap };
  export default midtransClient;
}
