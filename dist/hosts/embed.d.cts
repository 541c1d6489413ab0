/*! microrest/embed 0.7.0, MIT licence, (c) the microrest authors. Generated from hosts/embed.ts by `npm run build`. */

declare global {
    namespace Microrest {
        /** What add-ons put on a request. An add-on declares its fields here, and every step sees them on `req`. */
        interface Extras {
        }
    }
}
/**
 * What is told of an event. Written as a method, and so bivariant: a listener may say what its event brings,
 * `(chunk: Uint8Array) => …`, although nobody here knows.
 */
type Listener = {
    listen(value: unknown): void;
}['listen'];
/** A request as a host hands it in. Node's `IncomingMessage` fits without a cast. */
interface HostReq {
    /** The method, upper-case, as it came from the wire. */
    method?: string | undefined;
    /** The request target: path and query, percent-encoded, as it came from the wire. */
    url?: string | undefined;
    /** The header fields by lower-case name. */
    headers: {
        readonly [name: string]: string | readonly string[] | undefined;
    };
    on(event: string, listener: Listener): unknown;
}
/** A response as a host hands it in. Node's `ServerResponse` fits without a cast. */
interface HostRes {
    statusCode: number;
    readonly headersSent: boolean;
    readonly writableEnded?: boolean;
    readonly destroyed?: boolean;
    setHeader(name: string, value: string | number | readonly string[]): unknown;
    getHeader(name: string): string | number | readonly string[] | undefined;
    removeHeader(name: string): void;
    writeHead(statusCode: number, headers?: {
        [name: string]: string | number | string[];
    }): HostRes;
    write(chunk: string | Uint8Array): boolean;
    end(chunk?: string | Uint8Array): unknown;
    on(event: string, listener: Listener): unknown;
    destroy(error?: Error): unknown;
}

/**
 * embed: how a request gets in where there is no `http` module. A host, such as a C program with an engine in it, hands over plain
 * values and gets plain values back.
 *
 * It makes the `req` and `res` that the core expects, and no more than that. Part of the scripts for small engines, so it imports
 * nothing but types and calls only what the smallest engines have. No timer, no promise: what happens, happens in a call of
 * the host's.
 */

/** What is sent and received: text goes over the wire as UTF-8. */
type Chunk = string | Uint8Array;
/** Header fields: values by name, or names and values in turn, as they came (`['Host', 'a.test', 'Accept', '*']`). */
type EmbedHeaders = readonly string[] | {
    readonly [name: string]: string | number | readonly string[] | undefined;
};
/** A request, as plain values. */
interface EmbedRequest {
    /** As it came from the wire, upper-case. */
    method: string;
    /** The request target as it came from the wire, percent-encoded. */
    url: string;
    /**
     * Names in any case. Values of a name that comes again are joined by ', ', those of cookie by '; '. Kept, and read when a step asks
     * for them. Default none.
     */
    headers?: EmbedHeaders | undefined;
    /**
     * The whole body; null if there is none. Without it one that is fed to the input is expected, if there is a content-length or a
     * transfer-encoding.
     */
    body?: Chunk | ArrayBuffer | null | undefined;
    /** What is known of the client, such as `{ remoteAddress: '10.0.0.7' }`. Steps find it where node has it, as `req.socket`. */
    client?: object | undefined;
    /** The longest body to take in, in bytes; the answer to a longer one is 413. Default 1048576 (1 MiB). */
    bodySizeLimit?: number | undefined;
}
/** The header fields of an answer by lower-case name. An array is a field line for each of its values. */
type EmbedAnswerHeaders = {
    readonly [name: string]: string | number | readonly string[];
};
/** What takes an answer bit by bit. */
interface EmbedReply {
    /** The head, once. It has a content-length if the length is known. */
    head(status: number, headers: EmbedAnswerHeaders): void;
    /** A piece of the body. False if the host's buffer is full: then the host calls `input.drain()` when there is room again. */
    write(chunk: Chunk): boolean | void;
    /** The end, maybe with the last or only piece. */
    end(chunk?: Chunk): void;
    /** The app has cut the answer off: the host closes the connection, for the client to see that it is not whole. */
    abort(): void;
}
/** What takes an answer at once. Text unless the app has sent bytes; an answer that the app cut off is a bare 500. */
type EmbedWholeReply = (status: number, headers: EmbedAnswerHeaders, body: Chunk) => void;
/** An app, or any other listener for requests. */
type EmbedApp = (req: HostReq, res: HostRes) => unknown;
/** What a host tells of a request that is on its way. */
interface EmbedInput {
    /** A piece of the body. */
    data(chunk: Chunk | ArrayBuffer): void;
    /** The body is whole. */
    end(): void;
    /** The client has left: nothing more comes from it, and nobody takes the answer. */
    abort(): void;
    /** There is room in the host's buffer again. */
    drain(): void;
}
/**
 * Hand a request to an app; what it answers goes to `reply`, maybe before this returns.
 *
 *     handle(app, { method: 'GET', url: '/hello' }, (status, headers, body) => print(status, body))
 *
 * Returns what takes a body that comes in pieces, and other news of the client. The host calls `end` or `abort` of it, unless it
 * has given the whole body or there is none. Throws on what is no app, no request or no reply.
 */
declare function handle(app: EmbedApp, request: EmbedRequest, reply: EmbedReply | EmbedWholeReply): EmbedInput;

type exported_Chunk = Chunk;
type exported_EmbedAnswerHeaders = EmbedAnswerHeaders;
type exported_EmbedApp = EmbedApp;
type exported_EmbedHeaders = EmbedHeaders;
type exported_EmbedInput = EmbedInput;
type exported_EmbedReply = EmbedReply;
type exported_EmbedRequest = EmbedRequest;
type exported_EmbedWholeReply = EmbedWholeReply;
declare const exported: {
  handle: typeof handle;
};
declare namespace exported {
  export { exported_Chunk as Chunk };
  export { exported_EmbedAnswerHeaders as EmbedAnswerHeaders };
  export { exported_EmbedApp as EmbedApp };
  export { exported_EmbedHeaders as EmbedHeaders };
  export { exported_EmbedInput as EmbedInput };
  export { exported_EmbedReply as EmbedReply };
  export { exported_EmbedRequest as EmbedRequest };
  export { exported_EmbedWholeReply as EmbedWholeReply };
}
export = exported;
