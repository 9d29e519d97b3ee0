import { ClientSDK } from "../lib/client.ts";
import { ConfidentialImages } from "./confidentialimages.ts";
import { Health } from "./health.ts";
import { Images } from "./images.ts";
import { Models } from "./models.ts";
import { Nodes } from "./nodes.ts";

/** The client with all operations. Its methods throw; the standalone functions in `atoma-sdk/funcs/` resolve to a Result. */
export class AtomaSDK extends ClientSDK {
  #images: Images | undefined;
  #models: Models | undefined;
  #health: Health | undefined;
  #nodes: Nodes | undefined;
  #confidentialImages: ConfidentialImages | undefined;

  get images(): Images {
    this.#images ??= new Images(this);
    return this.#images;
  }

  get models(): Models {
    this.#models ??= new Models(this);
    return this.#models;
  }

  get health(): Health {
    this.#health ??= new Health(this);
    return this.#health;
  }

  get nodes(): Nodes {
    this.#nodes ??= new Nodes(this);
    return this.#nodes;
  }

  get confidentialImages(): ConfidentialImages {
    this.#confidentialImages ??= new ConfidentialImages(this);
    return this.#confidentialImages;
  }
}
