s/soc\/1/soc\/2/
