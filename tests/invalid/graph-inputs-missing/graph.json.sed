/"inputs": \[ \{/d
