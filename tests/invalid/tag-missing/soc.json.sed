2s/"socweave": "soc\/1", //
