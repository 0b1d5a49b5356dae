s/"side": \{/"si-de": {/
